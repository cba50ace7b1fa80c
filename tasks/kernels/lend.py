"""Arrays handed to kernels without their count of references."""

from __future__ import annotations

from numba.extending import intrinsic
from numba.np.arrayobj import make_array


@intrinsic
def lent(_context, array):
    """The array, without its count of references: for the time in which a caller holds it.

    numba raises and lowers the count, which is an atomic operation, around many calls that an array is handed to; with the tables of
    a dictionary and a few characters a call, that costs more than the call. The answer must not outlive the kernel.
    """

    def generate(context, builder, _signature, arguments):
        lent = make_array(array)(context, builder, arguments[0])
        lent.meminfo = lent.meminfo.type(None)
        lent.parent = lent.parent.type(None)
        return lent._getvalue()

    return array(array), generate
