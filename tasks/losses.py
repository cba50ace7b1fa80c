"""What a removal would lose: what the text that goes says and the one that stays does not.

Alike is not enough: a paragraph in which one name, day or "not" is another has a similarity of 0.9. Shingles do not see what a difference
means, so the two folds of every accepted pair are read side by side (`kernels.losses`), and signs are compared (`tasks.signs`).
"""

from __future__ import annotations

from functools import cache

import numpy as np

from tasks.index import Index
from tasks.kernels import losses as kernel
from tasks.kernels.inside import chunk_ends
from tasks.kernels.losses import MORE, NOTHING, REWORDED
from tasks.script import fold_table
from tasks.shingles import tokenize
from tasks.signs import signs
from tasks.store.text import I64Array, Texts, U8Array, U64Array

__all__ = ["MORE", "NOTHING", "REWORDED", "lost", "says_more"]

#: tokens. Passages of as much text are compared at once: about 20 bytes a token.
CHUNK = 1 << 20
#: Characters that say nothing by themselves: particles, and links of clauses. Not those that turn a sentence: 或 把 被 从 到 最 只.
_FUNCTION = "的了吗呢着过们地得在是就也都又和与及等这那啊吧呀哦嘛哈啦之其而且并则便以于还请"
_NEGATION = "不没未无非勿莫否禁拒别甭毋"
_ORDINAL = "周期拜第初旬"
_SURNAMES = (
    "王李张刘陈杨黄赵吴周徐孙马朱胡郭何林高罗郑梁谢宋唐许韩冯邓曹彭曾肖田董袁潘蒋蔡余杜叶程苏魏吕丁任沈姚卢姜崔钟谭陆汪范金石廖贾夏韦"
    "付方白邹孟熊秦邱江尹薛闫段雷侯龙史陶黎贺顾毛郝龚邵万钱严覃武戴莫孔向汤"
)
#: Characters that have an opposite or others of their kind: one for another is another thing.
_TELLING = (
    "上下左右前后内外东西南北中早晚午夜晨昨今明春夏秋冬年月日时分秒男女父母儿爸妈夫妻兄弟姐妹大小多少高低长短粗细厚薄轻重深浅远近快慢好坏真假对错正反增减升降"
    "涨跌买卖输赢胜负进出开关加来去得失生死新旧老冷热干湿软硬强弱贫富公私主客攻守敌友红橙黄绿青蓝紫黑白灰金银甲乙丙丁副总"
)
#: Characters that are written for one another, by sound, form or taste: to take one for the other loses nothing.
_CONFUSED = (
    "做作 帐账 像象 像相 象相 想像 哪那 订定 份分 坐座 需须 记纪 即既 以已 再在 至致 度渡 厉利 厉历 反返 复覆 辨辩 带戴 担耽 当挡 的地 的得 地得 叠迭 付附 副幅 "
    "工功 贡供 惯贯 候侯 合和 激击 迹绩 计记 检捡 简捡 交缴 较校 尽进 径经 境镜 拦栏 篮蓝 练炼 连联 了瞭 漫慢 密蜜 模摸 幕慕 你您 陪赔 披批 凭评 期其 启起 "
    "气汽 恰洽 签鉴 晴睛 权劝 扰绕 溶熔 融溶 如入 赏尝 稍少 使驶 势式 它他 它她 唯惟 维唯 维惟 委萎 务物 息熄 嘻嬉 消销 消削 型形 性姓 旋璇 炫眩 延沿 扬杨 "
    "样像 异议 意义 因应 映应 尤由 园圆 缘源 原源 原缘 载再 暂湛 脏藏 燥躁 噪躁 沾粘 粘黏 帜织 值质 直值 只支 制治 制致 制质 嘱属 住驻 妆装 状壮 赚转 撞幢 "
    "综宗 哪拿 呢呐 嘛吗 吧罢 唉哎 哟呦 噢哦 喔哦 咯了 啰罗 橱厨 糊胡 捱挨 沉沈 台抬 咀嘴 伙夥 姊姐 占佔 布佈 采彩 仿彷 彿佛 拼拚 俩两 磨摩 沫末 遏谒 渴喝 "
    "歇竭 崇祟 拔拨 姿恣 俟候 戌戍 梁粱 燎撩"
)


@cache
def roles() -> U8Array:
    """(65536,) uint8, roles of simplified characters: see `kernels.losses`. Common are the 3,755 of the first level of GB 2312."""
    table = np.zeros(1 << 16, np.uint8)
    common = b"".join(bytes((high, low)) for high in range(0xB0, 0xD8) for low in range(0xA1, 0xFF))
    for role, chars in (
        (kernel.FUNCTION, _FUNCTION),
        (kernel.NEGATION, _NEGATION),
        (kernel.COMMON, common.decode("gb2312", "ignore")),
        (kernel.ORDINAL, _ORDINAL),
        (kernel.SURNAME, _SURNAMES),
        (kernel.TELLING, _TELLING),
    ):
        table[np.unique(fold_table()[[ord(char) for char in chars]])] |= role
    return table


@cache
def confused() -> U64Array:
    """Pairs of characters that are written for one another, folded: sorted uint64, lesser << 32 | greater."""
    pairs = np.sort(fold_table()[[[ord(char) for char in pair] for pair in _CONFUSED.split()]].astype(np.uint64), axis=1)
    return np.unique(pairs[:, 0] << np.uint64(32) | pairs[:, 1])


def says_more(texts: Texts, goes: I64Array, stays: I64Array) -> U8Array:
    """(n,) uint8: what row goes[i] of a column says beyond row stays[i]: NOTHING, REWORDED (another word for the same, if one is an edition
    of the other) or MORE.

    >>> kept = "明天上午王老师在河边的小礼堂讲怎样修补旧书，来听的人请自己带一张矮凳。"
    >>> rows = [kept, kept.replace("小礼堂", "礼堂"), kept.replace("上午", "晚上"), kept.replace("请", ""), kept.replace("讲", "不讲")]
    >>> says_more(Texts.of(rows), np.arange(1, 5), np.zeros(4, np.int64)).tolist()
    [1, 2, 0, 2]
    """
    elements, flags, offsets = tokenize(texts)
    said: U8Array = kernel.says_more(elements, flags, offsets, roles(), confused(), goes, stays)
    said[~kernel.within(*signs(texts)[1], goes, stays)] = MORE
    return said


def lost(index: Index, goes: I64Array, stays: I64Array) -> U8Array:
    """(n,) uint8: what passage goes[i] (gid) says beyond passage stays[i]."""
    out = np.zeros(len(goes), np.uint8)
    order = np.lexsort((stays, goes))
    tokens = index.column("match", "tokens").astype(np.int32)
    for chosen in np.split(order, chunk_ends(goes[order], stays[order], tokens, CHUNK)):
        gids, rows = np.unique(np.concatenate([goes[chosen], stays[chosen]]), return_inverse=True)
        rows = rows.astype(np.int64)
        out[chosen] = says_more(index.texts(gids), rows[: len(chosen)], rows[len(chosen) :])
    return out
