"""Numbers, lists, letters, dates: exact answers, with steps when asked for."""

from collections.abc import Sequence
from random import Random

from .core import Item, Parts, both

ONES = "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen eighteen nineteen".split()
TENS = "_ _ twenty thirty forty fifty sixty seventy eighty ninety".split()
KANJI = "〇一二三四五六七八九"


def words(n):
    """n below 1000 in English."""
    if n >= 100:
        return ONES[n // 100] + " hundred" + (" " + words(n % 100) if n % 100 else "")
    if n >= 20:
        return TENS[n // 10] + ("-" + ONES[n % 10] if n % 10 else "")
    return ONES[n]


def kanji(n):
    """n below 1000 in Japanese."""
    s = ""
    for unit, name in ((100, "百"), (10, "十")):
        d = n // unit
        if d:
            s += ("" if d == 1 else KANJI[d]) + name
        n %= unit
    return s + (KANJI[n] if n else "") or "〇"


def number(r: Random, digits):
    return r.randint(10 ** (digits - 1) if digits > 1 else 0, 10**digits - 1)


def draw(r: Random):
    """a, operator, b, result."""
    op = r.choice("++--**/")
    if op == "*":
        a, b = r.choice(((1, 1), (1, 1), (2, 1), (1, 2), (2, 2), (3, 1)))
    else:
        a, b = r.choice(((1, 1), (1, 1), (2, 1), (2, 2), (2, 2), (2, 2), (3, 2), (3, 3), (3, 3)))
    x, y = number(r, a), number(r, b)
    if op == "/":
        y = r.randint(1, 12)
        z = r.randint(0, 20)
        return y * z, op, y, z
    if op == "-" and y > x and r.random() < 0.85:
        x, y = y, x
    return x, op, y, {"+": x + y, "-": x - y, "*": x * y}[op]


def steps(x, op, y, z):
    """How one gets there, in English and Japanese; None where it is plain."""
    if op == "+" and x > 9 and y > 9:
        hx, hy = x // 10 * 10, y // 10 * 10
        t, o = hx + hy, x % 10 + y % 10
        return (
            f"{hx} + {hy} = {t}, {x % 10} + {y % 10} = {o}, and {t} + {o} = {z}.",
            f"{hx}+{hy}={t}、{x % 10}+{y % 10}={o}、{t}+{o}={z}です。",
        )
    if op == "-" and y > 9 and x >= y:
        t = y // 10 * 10
        return (f"{x} - {t} = {x - t}, and {x - t} - {y % 10} = {z}.", f"{x}-{t}={x - t}、{x - t}-{y % 10}={z}です。")
    if op == "*" and (x > 9 or y > 9) and x and y:
        a, b = (x, y) if x >= y else (y, x)
        h, o = b // 10 * 10, b % 10
        if b > 9 and o:
            return (
                f"{a} × {h} = {a * h}, {a} × {o} = {a * o}, and {a * h} + {a * o} = {z}.",
                f"{a}×{h}={a * h}、{a}×{o}={a * o}、{a * h}+{a * o}={z}です。",
            )
        if b <= 9 and a > 9:
            h, o = a // 10 * 10, a % 10
            return (
                f"{h} × {b} = {h * b}, {o} × {b} = {o * b}, and {h * b} + {o * b} = {z}.",
                f"{h}×{b}={h * b}、{o}×{b}={o * b}、{h * b}+{o * b}={z}です。",
            )
    return None


SYM = {"+": "+", "-": "-", "*": "×", "/": "÷"}
PARTICLE = {"+": "を", "-": "を", "*": "を", "/": "で"}
NAME = {"+": ("plus", "足す"), "-": ("minus", "引く"), "*": ("times", "掛ける"), "/": ("divided by", "割る")}


def arithmetic(r: Random) -> Item:
    x, op, y, z = draw(r)
    s, sym = steps(x, op, y, z), SYM[op]
    typed = r.choice((sym, op, op, {"*": "x"}.get(op, op)))
    name, nameja = NAME[op]
    wrong = z + r.choice((-3, -2, -1, 1, 2, 10))
    e = f"{x} {typed} {y}" if r.random() < 0.6 else f"{x}{typed}{y}"
    # The steps come first: the model computes what it writes before it needs it.
    en = Parts(
        (s[0] + " So " if s else "") + f"{x} {sym} {y} = {z}.", str(z), simple=f"{x} {name} {y} is {z}.", wrong=f"{x} {sym} {y} = {wrong}."
    )
    ja = Parts(
        (s[1] + "よって" if s else "") + f"{x}{sym}{y}={z}です。",
        str(z),
        simple=f"{x}{nameja}{y}は{z}です。",
        wrong=f"{x}{sym}{y}={wrong}です。",
    )
    return both(
        r,
        [
            f"What is {e}?",
            f"What is {x} {name} {y}?",
            f"{e}",
            f"{e} = ?",
            f"{e}=",
            f"Calculate {e}.",
            f"How much is {e}?",
            f"what's {x} {name} {y}",
            f"{e}?",
            f"Compute {e}, please.",
        ],
        en,
        [
            f"{e}は？",
            f"{e}はいくつですか？",
            f"{x}{nameja}{y}は？",
            f"{e}を計算してください。",
            f"{e}=？",
            f"{e}の答えは？",
            f"{x}{nameja}{y}はいくつ？",
            f"{e}=",
            f"{x}{sym}{y}は？",
        ],
        ja,
        follow=[lambda r: chain(r, z)],
        exact=True,
    )


def chain(r: Random, z):
    """A follow-up that goes on with the result."""
    op = r.choice("+-*")
    y = r.randint(1, 9) if op == "*" else r.randint(1, 30)
    if z > 999 and op == "*":
        op = "+"
    v = {"+": z + y, "-": z - y, "*": z * y}[op]
    name, nameja = NAME[op]
    return both(
        r,
        [f"And {name} {y}?", f"Now {name} {y}.", f"{op}{y}?", f"and that {name} {y}?"],
        Parts(f"{z} {SYM[op]} {y} = {v}.", str(v), wrong=f"{z} {SYM[op]} {y} = {v + 2}."),
        [f"{'そこから' if op == '-' else 'それに'}{y}{PARTICLE[op]}{nameja}と？", f"{op}{y}は？", f"さらに{y}{PARTICLE[op]}{nameja}と？"],
        Parts(f"{z}{SYM[op]}{y}={v}です。", str(v), wrong=f"{z}{SYM[op]}{y}={v + 2}です。"),
        follow=[lambda r: chain(r, v)] if abs(v) < 900 else (),
        exact=True,
    )


THINGS = (
    ("apples", "りんご", "個"),
    ("oranges", "みかん", "個"),
    ("books", "本", "冊"),
    ("pencils", "鉛筆", "本"),
    ("coins", "コイン", "枚"),
    ("eggs", "卵", "個"),
    ("cards", "カード", "枚"),
    ("cookies", "クッキー", "枚"),
)
WHO = (
    ("Taro", "太郎"),
    ("Hanako", "花子"),
    ("Anna", "アンナ"),
    ("Ken", "健"),
    ("Yuki", "ゆき"),
    ("Tom", "トム"),
    ("Emma", "エマ"),
    ("Sora", "そら"),
)


def story_sum(r: Random) -> Item:
    (en, ja, ctr), (p, pj) = r.choice(THINGS), r.choice(WHO)
    q, qj = r.choice(WHO)
    x, y = r.randint(2, 30), r.randint(2, 20)
    kind = r.randrange(3)
    if kind == 0:
        z, t, tj = (
            x + y,
            f"{p} has {x} {en}. {q} gives {p} {y} more. How many {en} does {p} have now?",
            f"{pj}は{ja}を{x}{ctr}持っています。{qj}が{y}{ctr}くれました。全部で何{ctr}ですか？",
        )
        e, ej = f"{x} + {y} = {z}", f"{x}+{y}={z}"
    elif kind == 1:
        x, y = max(x, y) + 1, min(x, y)
        z, t, tj = (
            x - y,
            f"{p} has {x} {en} and gives {y} to {q}. How many are left?",
            f"{pj}は{ja}を{x}{ctr}持っていて、{qj}に{y}{ctr}あげました。残りは何{ctr}ですか？",
        )
        e, ej = f"{x} - {y} = {z}", f"{x}-{y}={z}"
    else:
        x, y = r.randint(2, 9), r.randint(2, 12)
        z, t, tj = (
            x * y,
            f"There are {x} boxes with {y} {en} each. How many {en} are there?",
            f"{y}{ctr}ずつ{ja}が入った箱が{x}箱あります。{ja}は全部で何{ctr}ですか？",
        )
        e, ej = f"{x} × {y} = {z}", f"{x}×{y}={z}"
    return both(
        r,
        t,
        Parts(f"{e}, so the answer is {z} {en}.", f"{z}", wrong=f"The answer is {z + 1} {en}."),
        tj,
        Parts(f"{ej}なので、答えは{z}{ctr}です。", f"{z}{ctr}", wrong=f"答えは{z + 1}{ctr}です。"),
        exact=True,
    )


def compare(r: Random) -> Item:
    d = r.choice((1, 2, 2, 3, 4))
    x, y = number(r, d), number(r, r.choice((d, d, max(1, d - 1))))
    if x == y:
        y += 1
    big, small = max(x, y), min(x, y)
    if r.random() < 0.5:
        return both(
            r,
            [f"Which is bigger, {x} or {y}?", f"Which number is larger: {x} or {y}?", f"{x} or {y}, which is more?"],
            Parts(f"{big} is bigger than {small}.", str(big), f"The difference is {big - small}.", wrong=f"{small} is bigger than {big}."),
            [f"{x}と{y}、大きいのはどっち？", f"{x}と{y}ではどちらが大きいですか？"],
            Parts(f"{big}のほうが{small}より大きいです。", str(big), f"差は{big - small}です。", wrong=f"{small}のほうが大きいです。"),
            exact=True,
        )
    yes = x > y
    return both(
        r,
        [f"Is {x} bigger than {y}?", f"Is {x} greater than {y}?", f"{x} > {y}?"],
        Parts(
            f"Yes, {x} is bigger than {y}." if yes else f"No, {x} is smaller than {y}.",
            "Yes." if yes else "No.",
            wrong="No." if yes else "Yes.",
        ),
        [f"{x}は{y}より大きいですか？", f"{x}は{y}より大きい？"],
        Parts(
            f"はい、{x}は{y}より大きいです。" if yes else f"いいえ、{x}は{y}より小さいです。",
            "はい。" if yes else "いいえ。",
            wrong="いいえ。" if yes else "はい。",
        ),
        exact=True,
    )


def parity(r: Random) -> Item:
    x = r.randint(1, 999) if r.random() < 0.5 else r.randint(1, 60)
    even = x % 2 == 0
    if r.random() < 0.5:
        return both(
            r,
            [f"Is {x} even or odd?", f"Is {x} odd or even?", f"{x}: even or odd?"],
            Parts(
                f"{x} is {'even' if even else 'odd'}.",
                "Even" if even else "Odd",
                tech=f"Its last digit is {x % 10}, which is {'even' if even else 'odd'}.",
                wrong=f"{x} is {'odd' if even else 'even'}.",
            ),
            [f"{x}は偶数？奇数？", f"{x}は偶数ですか、奇数ですか？"],
            Parts(
                f"{x}は{'偶数' if even else '奇数'}です。",
                "偶数" if even else "奇数",
                tech=f"一の位が{x % 10}だからです。",
                wrong=f"{x}は{'奇数' if even else '偶数'}です。",
            ),
            exact=True,
        )
    x = r.randint(2, 100)
    f = next((d for d in range(2, x) if x % d == 0), None)
    return both(
        r,
        [f"Is {x} a prime number?", f"Is {x} prime?", f"is {x} a prime"],
        Parts(
            f"Yes, {x} is a prime number." if f is None else f"No, {x} is not prime: {x} = {f} × {x // f}.",
            "Yes." if f is None else "No.",
            wrong=f"{'No' if f is None else 'Yes'}.",
        ),
        [f"{x}は素数ですか？", f"{x}は素数？"],
        Parts(
            f"はい、{x}は素数です。" if f is None else f"いいえ、{x}={f}×{x // f}なので素数ではありません。",
            "はい。" if f is None else "いいえ。",
            wrong="いいえ。" if f is None else "はい。",
        ),
        exact=True,
    )


def count(r: Random) -> Item:
    n = r.choice((3, 5, 5, 8, 10, 10, 10, 12, 15, 20))
    k = r.random()
    xs: Sequence[int]
    if k < 0.45:
        xs, q, qj = (
            range(1, n + 1),
            [f"Count to {n}.", f"count from 1 to {n}", f"Can you count to {n}?", f"Count up to {n}, please."],
            [f"{n}まで数えて", f"1から{n}まで数えてください。", f"{n}まで数えられますか？"],
        )
    elif k < 0.65:
        xs, q, qj = (
            range(n, 0, -1),
            [f"Count down from {n}.", f"Count backwards from {n}.", f"countdown from {n}"],
            [f"{n}から逆に数えて", f"{n}からカウントダウンしてください。"],
        )
    elif k < 0.8:
        s = r.choice((2, 3, 5, 10))
        xs, q, qj = (
            range(s, s * 6, s),
            [f"Count by {s}s.", f"Give me the first five multiples of {s}.", f"List five multiples of {s}."],
            [f"{s}の倍数を五つ挙げてください。", f"{s}の倍数を5つ教えて"],
        )
    else:
        a = r.randint(2, 60)
        m = r.randint(4, 9)
        xs, q, qj = (
            range(a, a + m),
            [f"Count from {a} to {a + m - 1}.", f"List the numbers from {a} to {a + m - 1}."],
            [f"{a}から{a + m - 1}まで数えてください。"],
        )
    xs = list(xs)
    bad = [x + 1 for x in xs[::-1]]
    return both(
        r,
        q,
        Parts(", ".join(map(str, xs)) + ".", ", ".join(map(str, xs)), wrong=", ".join(map(str, bad)), free=True),
        qj,
        Parts("、".join(map(str, xs)) + "。", "、".join(map(str, xs)), wrong="、".join(map(str, bad)), free=True),
        exact=True,
    )


def sort(r: Random) -> Item:
    xs = [r.randint(0, 99) for _ in range(r.randint(3, 6))]
    k = r.randrange(4)
    t, tj = ", ".join(map(str, xs)), "、".join(map(str, xs))
    up, down = sorted(xs), sorted(xs, reverse=True)
    if k == 0:
        q, ys, qj = (
            [f"Sort these numbers: {t}", f"Sort {t}.", f"Put {t} in order.", f"sort: {t}"],
            up,
            [f"{tj}を小さい順に並べて", f"次の数を小さい順に並べてください：{tj}", f"{tj}を並べ替えて"],
        )
    elif k == 1:
        q, ys, qj = (
            [f"Sort {t} from largest to smallest.", f"Sort in descending order: {t}"],
            down,
            [f"{tj}を大きい順に並べて", f"次の数を大きい順に並べてください：{tj}"],
        )
    elif k == 2:
        v = max(xs)
        return both(
            r,
            [f"What is the largest of {t}?", f"Find the maximum of {t}."],
            Parts(f"The largest is {v}.", str(v), wrong=f"The largest is {min(xs)}."),
            [f"{tj}の中で一番大きい数は？"],
            Parts(f"一番大きい数は{v}です。", str(v), wrong=f"一番大きい数は{min(xs)}です。"),
            exact=True,
        )
    else:
        v = min(xs)
        return both(
            r,
            [f"What is the smallest of {t}?", f"Find the minimum of {t}."],
            Parts(f"The smallest is {v}.", str(v), wrong=f"The smallest is {max(xs)}."),
            [f"{tj}の中で一番小さい数は？"],
            Parts(f"一番小さい数は{v}です。", str(v), wrong=f"一番小さい数は{max(xs)}です。"),
            exact=True,
        )
    return both(
        r, q, Parts(", ".join(map(str, ys)), wrong=t, free=True), qj, Parts("、".join(map(str, ys)), wrong=tj, free=True), exact=True
    )


UNITS = (
    ("kilometres", "metres", "キロメートル", "メートル", 1000),
    ("metres", "centimetres", "メートル", "センチメートル", 100),
    ("centimetres", "millimetres", "センチメートル", "ミリメートル", 10),
    ("kilograms", "grams", "キログラム", "グラム", 1000),
    ("tons", "kilograms", "トン", "キログラム", 1000),
    ("litres", "millilitres", "リットル", "ミリリットル", 1000),
    ("hours", "minutes", "時間", "分", 60),
    ("minutes", "seconds", "分", "秒", 60),
    ("days", "hours", "日", "時間", 24),
    ("weeks", "days", "週間", "日", 7),
    ("years", "months", "年", "か月", 12),
    ("feet", "inches", "フィート", "インチ", 12),
)


def units(r: Random) -> Item:
    a, b, aj, bj, k = r.choice(UNITS)
    n = r.randint(1, 12)
    one = a[:-1] if n == 1 and a != "feet" else "foot" if n == 1 else a
    return both(
        r,
        [f"How many {b} are {n} {one}?", f"Convert {n} {one} to {b}.", f"{n} {one} in {b}?", f"How many {b} are there in {n} {one}?"],
        Parts(
            f"{n} {one} {'is' if n == 1 else 'are'} {n * k} {b}.",
            f"{n * k} {b}",
            tech=f"One {'foot' if a == 'feet' else a[:-1]} has {k} {b}, and {n} × {k} = {n * k}.",
            wrong=f"{n} {one} is {n * k + 5} {b}.",
        ),
        [f"{n}{aj}は何{bj}ですか？", f"{n}{aj}は何{bj}？", f"{n}{aj}を{bj}に直して"],
        Parts(
            f"{n}{aj}は{n * k}{bj}です。",
            f"{n * k}{bj}",
            tech=f"1{aj}は{k}{bj}で、{n}×{k}={n * k}です。",
            wrong=f"{n}{aj}は{n * k + 5}{bj}です。",
        ),
        exact=True,
    )


def temperature(r: Random) -> Item:
    c = r.randint(-10, 100) // 5 * 5
    f = c * 9 // 5 + 32
    return both(
        r,
        [f"What is {c} degrees Celsius in Fahrenheit?", f"Convert {c} C to F."],
        Parts(f"{c} °C is {f} °F.", f"{f} °F", tech=f"Multiply by 9, divide by 5, add 32: {c} × 9 ÷ 5 + 32 = {f}."),
        [f"摂氏{c}度は華氏何度ですか？", f"{c}度は華氏で？"],
        Parts(f"摂氏{c}度は華氏{f}度です。", f"華氏{f}度", tech="9を掛けて5で割り、32を足します。"),
        exact=True,
    )


def percent(r: Random) -> Item:
    p, n = r.choice((5, 10, 20, 25, 50, 75)), r.randint(1, 20) * 20
    v = p * n // 100
    if r.random() < 0.5:
        return both(
            r,
            [f"What is {p}% of {n}?", f"{p} percent of {n}", f"How much is {p}% of {n}?"],
            Parts(f"{p}% of {n} is {v}.", str(v), wrong=f"{p}% of {n} is {v + 7}."),
            [f"{n}の{p}%は？", f"{n}の{p}パーセントはいくつですか？"],
            Parts(f"{n}の{p}%は{v}です。", str(v), wrong=f"{n}の{p}%は{v + 7}です。"),
            exact=True,
        )
    n = r.choice((2, 4, 6, 8, 10, 12, 14, 16, 18, 20, 24, 30, 40, 50, 60, 80, 100, 120, 200))
    k = r.randrange(3)
    en, ja, v = (("half of", "半分", n // 2), ("double", "二倍", n * 2), ("the square of", "二乗", n * n))[k]
    return both(
        r,
        [f"What is {en} {n}?"],
        Parts(f"{en[0].upper() + en[1:]} {n} is {v}.", str(v)),
        [f"{n}の{ja}は？", f"{n}の{ja}はいくつですか？"],
        Parts(f"{n}の{ja}は{v}です。", str(v)),
        exact=True,
    )


def average(r: Random) -> Item:
    n = r.choice((2, 3, 4))
    m = r.randint(3, 30)
    xs = [m + r.randint(-3, 3) for _ in range(n - 1)]
    xs.append(m * n - sum(xs))
    k = r.randrange(2)
    t, tj, s = ", ".join(map(str, xs)), "、".join(map(str, xs)), sum(xs)
    if k:
        return both(
            r,
            [f"What is the average of {t}?", f"average of {t}"],
            Parts(f"The sum is {s}, divided by {n} is {m}. The average is {m}.", str(m)),
            [f"{tj}の平均は？"],
            Parts(f"合計は{s}、{n}で割ると{m}です。平均は{m}です。", str(m)),
            exact=True,
        )
    return both(
        r,
        [f"What is the sum of {t}?", f"Add {t}.", f"sum of {t}"],
        Parts(f"{' + '.join(map(str, xs))} = {s}.", str(s)),
        [f"{tj}の合計は？", f"{tj}を全部足すと？"],
        Parts(f"{'+'.join(map(str, xs))}={s}です。", str(s)),
        exact=True,
    )


def numerals(r: Random) -> Item:
    n = r.choice((r.randint(0, 20), r.randint(0, 99), r.randint(100, 999)))
    k = r.randrange(3)
    if k == 0:
        return both(
            r,
            [f"How do you write {n} in words?", f"Spell out the number {n}.", f"{n} in words"],
            Parts(f"{n} is {words(n)}.", words(n)),
            [f"{n}を漢字で書くと？", f"{n}を漢数字にしてください。"],
            Parts(f"{n}は漢数字で{kanji(n)}です。", kanji(n)),
            exact=True,
        )
    if k == 1:
        return both(
            r,
            [f"What number is {words(n)}?", f"Write {words(n)} in digits."],
            Parts(f"{words(n).capitalize()} is {n}.", str(n)),
            [f"{kanji(n)}を数字で書くと？", f"{kanji(n)}はいくつ？"],
            Parts(f"{kanji(n)}は{n}です。", str(n)),
            exact=True,
        )
    return both(
        r,
        [f"What comes after {n}?", f"Which number comes after {n}?"],
        Parts(f"After {n} comes {n + 1}.", str(n + 1)),
        [f"{n}の次の数は？"],
        Parts(f"{n}の次は{n + 1}です。", str(n + 1)),
        exact=True,
    )


DAYS = "Monday Tuesday Wednesday Thursday Friday Saturday Sunday".split()
DAYSJA = [x + "曜日" for x in "月火水木金土日"]
MONTHS = "January February March April May June July August September October November December".split()
LENGTH = (31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)


def days(r: Random) -> Item:
    i, k = r.randrange(7), r.randrange(4)
    if k == 0:
        j = (i + 1) % 7
        return both(
            r,
            [f"What day comes after {DAYS[i]}?", f"Which day is after {DAYS[i]}?", f"what is the day after {DAYS[i]}"],
            Parts(f"The day after {DAYS[i]} is {DAYS[j]}.", DAYS[j], wrong=f"After {DAYS[i]} comes {DAYS[(j + 2) % 7]}."),
            [f"{DAYSJA[i]}の次は？", f"{DAYSJA[i]}の次の日は何曜日ですか？"],
            Parts(f"{DAYSJA[i]}の次は{DAYSJA[j]}です。", DAYSJA[j], wrong=f"{DAYSJA[i]}の次は{DAYSJA[(j + 2) % 7]}です。"),
        )
    if k == 1:
        j = (i - 1) % 7
        return both(
            r,
            [f"What day comes before {DAYS[i]}?", f"Which day is before {DAYS[i]}?"],
            Parts(f"The day before {DAYS[i]} is {DAYS[j]}.", DAYS[j], wrong=f"Before {DAYS[i]} comes {DAYS[(j + 2) % 7]}."),
            [f"{DAYSJA[i]}の前は？", f"{DAYSJA[i]}の前の日は何曜日ですか？"],
            Parts(f"{DAYSJA[i]}の前は{DAYSJA[j]}です。", DAYSJA[j], wrong=f"{DAYSJA[i]}の前は{DAYSJA[(j + 2) % 7]}です。"),
        )
    if k == 2:
        n = r.randint(2, 10)
        j = (i + n) % 7
        return both(
            r,
            [f"If today is {DAYS[i]}, what day is it in {n} days?", f"Today is {DAYS[i]}. What day will it be in {n} days?"],
            Parts(f"In {n} days it will be {DAYS[j]}.", DAYS[j]),
            [f"今日が{DAYSJA[i]}なら、{n}日後は何曜日ですか？"],
            Parts(f"{n}日後は{DAYSJA[j]}です。", DAYSJA[j]),
        )
    return both(
        r,
        ["What are the days of the week?", "Name the days of the week.", "list the days of the week", "How many days does a week have?"],
        Parts("A week has seven days: " + ", ".join(DAYS[:6]) + " and Sunday.", ", ".join(DAYS)),
        ["曜日を全部教えて", "一週間の曜日を言ってください。", "一週間は何日ですか？"],
        Parts("一週間は七日で、" + "、".join(DAYSJA) + "です。", "、".join(DAYSJA)),
    )


def months(r: Random) -> Item:
    i, k = r.randrange(12), r.randrange(5)
    m, mj = MONTHS[i], f"{i + 1}月"
    if k == 0:
        j = (i + 1) % 12
        return both(
            r,
            [f"What month comes after {m}?", f"Which month is after {m}?"],
            Parts(f"After {m} comes {MONTHS[j]}.", MONTHS[j]),
            [f"{mj}の次は？", f"{mj}の次は何月ですか？"],
            Parts(f"{mj}の次は{j + 1}月です。", f"{j + 1}月"),
        )
    if k == 1:
        return both(
            r,
            [f"How many days does {m} have?", f"How many days are in {m}?"],
            Parts(f"{m} has {LENGTH[i]} days." if i != 1 else "February has 28 days, and 29 in a leap year.", str(LENGTH[i])),
            [f"{mj}は何日ありますか？", f"{mj}は何日まで？"],
            Parts(f"{mj}は{LENGTH[i]}日あります。" if i != 1 else "2月は28日で、うるう年は29日です。", f"{LENGTH[i]}日"),
        )
    if k == 2:
        return both(
            r,
            [f"Which month is number {i + 1}?", f"What is month {i + 1} of the year?"],
            Parts(f"Month {i + 1} is {m}.", m),
            [f"{m}は何月ですか？", f"{m}って何月？"],
            Parts(f"{m}は{mj}です。", mj),
        )
    if k == 3:
        s = ("winter", "冬") if i in (11, 0, 1) else ("spring", "春") if i < 5 else ("summer", "夏") if i < 8 else ("autumn", "秋")
        return both(
            r,
            [f"What season is {m} in Japan?", f"Is it cold in Japan in {m}?", f"In which season is {m}?"],
            Parts(
                f"In Japan {m} belongs to {s[0]}.",
                s[0].capitalize(),
                {
                    "w": "It is cold, and in the north there is much snow.",
                    "s": "It is a pleasant time to travel.",
                    "a": "The leaves turn red.",
                }[s[0][0]]
                if s[0] != "summer"
                else "It is hot and humid.",
            ),
            [f"{mj}の季節は？", f"{mj}はどの季節ですか？"],
            Parts(
                f"日本の{mj}は{s[1]}です。",
                s[1],
                {
                    "冬": "寒く、北では雪がたくさん降ります。",
                    "春": "桜が咲き、旅行によい季節です。",
                    "夏": "蒸し暑いです。",
                    "秋": "紅葉がきれいです。",
                }[s[1]],
            ),
        )
    return both(
        r,
        ["What are the months of the year?", "Name all months.", "List the months."],
        Parts("The twelve months are " + ", ".join(MONTHS[:11]) + " and December.", ", ".join(MONTHS)),
        ["一年の月を全部言ってください。", "月の名前を英語で全部教えて"],
        Parts("英語では" + "、".join(MONTHS) + "です。", "、".join(MONTHS)),
    )


def clock(r: Random) -> Item:
    h, n = r.randint(1, 12), r.randint(1, 9)
    e = (h + n - 1) % 12 + 1
    return both(
        r,
        [f"It is {h} o'clock. What time is it in {n} hours?", f"If it is {h} o'clock now, what time will it be in {n} hours?"],
        Parts(f"In {n} hours it will be {e} o'clock.", f"{e} o'clock"),
        [f"今{h}時です。{n}時間後は何時ですか？", f"{h}時の{n}時間後は？"],
        Parts(f"{n}時間後は{e}時です。", f"{e}時"),
        exact=True,
    )


WORD = """apple banana cat dog house river mountain water flower music summer winter table chair window cheese orange school friend letter
strawberry computer expert router node cluster token cloud garden bridge island planet rabbit turtle dragon castle silver golden coffee bread
butter sugar pepper lemon cherry grape tomato potato carrot onion monkey tiger zebra horse sheep whale dolphin penguin eagle hello world japan
tokyo kyoto mississippi banana balloon coffee committee book moon sun star tree bird fish rain snow wind fire stone paper pencil""".split()
KANAW = "さくら ねこ いぬ うみ やま かわ すし りんご みかん とけい でんわ くるま でんしゃ ひこうき ともだち せんせい がっこう あめ ゆき はな とり さかな たまご ごはん おちゃ ほし つき たいよう そら もり とうふ らーめん すいか いちご ぶどう うさぎ きつね たぬき くじら いるか".split()


def letters(r: Random) -> Item:
    w, k = r.choice(WORD), r.randrange(6)
    j = r.choice(KANAW)
    U = "-".join(w.upper())
    if k == 0:
        return both(
            r,
            [f"How many letters are in {w}?", f"How many letters does the word {w} have?", f'How many letters are in "{w}"?'],
            Parts(f"The word {w} has {len(w)} letters: {U}.", str(len(w)), wrong=f"The word {w} has {len(w) + 2} letters."),
            [f"「{j}」は何文字ですか？", f"{j}は何文字？"],
            Parts(f"「{j}」は{len(j)}文字です。", f"{len(j)}文字", wrong=f"「{j}」は{len(j) + 2}文字です。"),
            exact=True,
        )
    if k == 1:
        return both(
            r,
            [f"Spell {w}.", f"How do you spell {w}?", f"spell the word {w}"],
            Parts(f"{w.capitalize()} is spelled {U}.", U),
            [f"「{j}」を一文字ずつ言ってください。"],
            Parts("、".join(j) + "です。", "、".join(j)),
            exact=True,
        )
    if k == 2:
        return both(
            r,
            [f"Reverse the word {w}.", f"Write {w} backwards.", f"What is {w} backwards?"],
            Parts(f"{U}, backwards: {'-'.join(w.upper()[::-1])}. The result is {w[::-1]}.", w[::-1]),
            [f"「{j}」を逆から読むと？", f"{j}を逆にして"],
            Parts(f"「{j}」を逆から読むと「{j[::-1]}」です。", j[::-1]),
            exact=True,
        )
    if k == 3:
        c = r.choice(w)
        n = w.count(c)
        return Item(
            {"en": r.choice([f"How many times does {c} appear in {w}?", f"How many {c}'s are in {w}?", f"Count the letter {c} in {w}."])},
            {"en": Parts(f"{U}: the letter {c} appears {n} time{'s' if n > 1 else ''}.", str(n))},
            exact=True,
        )
    if k == 4:
        return both(
            r,
            [f"What is the first letter of {w}?", f"Which letter does {w} start with?"],
            Parts(f"The first letter of {w} is {w[0].upper()}.", w[0].upper()),
            [f"「{j}」の最初の文字は？", f"「{j}」の一文字目は？"],
            Parts(f"最初の文字は「{j[0]}」です。", j[0]),
            exact=True,
        )
    return both(
        r,
        [f"What is the last letter of {w}?", f"Which letter does {w} end with?"],
        Parts(f"The last letter of {w} is {w[-1].upper()}.", w[-1].upper()),
        [f"「{j}」の最後の文字は？"],
        Parts(f"最後の文字は「{j[-1]}」です。", j[-1]),
        exact=True,
    )


def sequence(r: Random) -> Item:
    a, d = r.randint(0, 20), r.randint(1, 10)
    if r.random() < 0.3:
        a, k = r.randint(1, 3), r.choice((2, 3))
        xs = [a * k**i for i in range(5)]
        why, whyja = f"Each number is {k} times the one before.", f"前の数の{k}倍になっています。"
    else:
        xs = [a + d * i for i in range(5)]
        why, whyja = f"Each number is {d} more than the one before.", f"{d}ずつ増えています。"
    t, tj = ", ".join(map(str, xs[:4])), "、".join(map(str, xs[:4]))
    return both(
        r,
        [f"What comes next: {t}?", f"Continue the sequence: {t}, ...", f"{t}, what is next?"],
        Parts(f"The next number is {xs[4]}.", str(xs[4]), tech=why),
        [f"{tj}の次は？", f"{tj}、次に来る数は何ですか？"],
        Parts(f"次の数は{xs[4]}です。", str(xs[4]), tech=whyja),
        exact=True,
    )


TOPICS = [
    (arithmetic, 11),
    (story_sum, 1.2),
    (compare, 1.2),
    (parity, 1),
    (count, 1.5),
    (sort, 1.3),
    (units, 1.2),
    (temperature, 0.3),
    (percent, 0.8),
    (average, 0.8),
    (numerals, 0.8),
    (days, 1),
    (months, 1),
    (clock, 0.5),
    (letters, 1.5),
    (sequence, 0.7),
]
