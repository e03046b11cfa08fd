"""Short programs and JSON."""

import json
from random import Random

from .core import Item, Parts, both

HELLO = {
    "Python": 'print("{}")',
    "Go": 'package main\n\nimport "fmt"\n\nfunc main() {{\n\tfmt.Println("{}")\n}}',
    "JavaScript": 'console.log("{}");',
    "C": '#include <stdio.h>\n\nint main(void) {{\n    printf("{}\\n");\n    return 0;\n}}',
    "Rust": 'fn main() {{\n    println!("{}");\n}}',
    "Java": 'public class Main {{\n    public static void main(String[] args) {{\n        System.out.println("{}");\n    }}\n}}',
    "Bash": 'echo "{}"',
    "Ruby": 'puts "{}"',
    "PHP": '<?php\necho "{}";',
}
TASKS = {
    "Python": [
        ("adds two numbers", "二つの数を足す", "def add(a, b):\n    return a + b"),
        ("squares a number", "数を二乗する", "def square(x):\n    return x * x"),
        ("checks whether a number is even", "偶数かどうか調べる", "def is_even(n):\n    return n % 2 == 0"),
        ("reverses a string", "文字列を逆にする", "def reverse(s):\n    return s[::-1]"),
        ("computes the factorial", "階乗を計算する", "def factorial(n):\n    return 1 if n < 2 else n * factorial(n - 1)"),
        ("finds the largest number of a list", "リストの最大値を返す", "def largest(xs):\n    return max(xs)"),
        ("prints the numbers from 1 to 10", "1から10までを表示する", "for i in range(1, 11):\n    print(i)"),
        (
            "computes Fibonacci numbers",
            "フィボナッチ数を計算する",
            "def fib(n):\n    a, b = 0, 1\n    for _ in range(n):\n        a, b = b, a + b\n    return a",
        ),
        ("sums a list", "リストの合計を計算する", "def total(xs):\n    return sum(xs)"),
        ("sorts a list", "リストを並べ替える", "def sort(xs):\n    return sorted(xs)"),
        ("reads a file", "ファイルを読む", 'with open("file.txt") as f:\n    print(f.read())'),
        (
            "does FizzBuzz",
            "FizzBuzzをする",
            'for i in range(1, 101):\n    if i % 15 == 0:\n        print("FizzBuzz")\n    elif i % 3 == 0:\n        print("Fizz")\n    elif i % 5 == 0:\n        print("Buzz")\n    else:\n        print(i)',
        ),
    ],
    "Go": [
        ("adds two numbers", "二つの数を足す", "func add(a, b int) int {\n\treturn a + b\n}"),
        ("squares a number", "数を二乗する", "func square(x int) int {\n\treturn x * x\n}"),
        ("checks whether a number is even", "偶数かどうか調べる", "func isEven(n int) bool {\n\treturn n%2 == 0\n}"),
        (
            "computes the factorial",
            "階乗を計算する",
            "func factorial(n int) int {\n\tif n < 2 {\n\t\treturn 1\n\t}\n\treturn n * factorial(n-1)\n}",
        ),
        ("prints the numbers from 1 to 10", "1から10までを表示する", "for i := 1; i <= 10; i++ {\n\tfmt.Println(i)\n}"),
        (
            "sums a list",
            "リストの合計を計算する",
            "func total(xs []int) int {\n\tsum := 0\n\tfor _, x := range xs {\n\t\tsum += x\n\t}\n\treturn sum\n}",
        ),
    ],
    "JavaScript": [
        ("adds two numbers", "二つの数を足す", "function add(a, b) {\n  return a + b;\n}"),
        ("squares a number", "数を二乗する", "const square = (x) => x * x;"),
        ("reverses a string", "文字列を逆にする", 'const reverse = (s) => s.split("").reverse().join("");'),
        ("prints the numbers from 1 to 10", "1から10までを表示する", "for (let i = 1; i <= 10; i++) {\n  console.log(i);\n}"),
    ],
}
SAY = ["Hello, world!", "Hello", "hachi", "こんにちは", "Good morning", "I love Go", "eight", "Hi there"]


def fence(lang, code):
    return f"```{lang.lower()}\n{code}\n```"


def hello(r: Random) -> Item:
    lang = r.choice(("Python", "Python", "Go", "Go", "JavaScript", "C", "Rust", "Java", "Bash", "Ruby", "PHP"))
    s = SAY[0] if r.random() < 0.6 else r.choice(SAY)
    code = fence(lang, HELLO[lang].format(s))
    w = HELLO[lang].format(s)
    kw = dict(exact=True)
    if s == SAY[0] and r.random() < 0.7:
        q = [
            f"Write hello world in {lang}.",
            f"hello world in {lang}",
            f"Write a {lang} program that prints Hello, world!",
            f"How do I print hello world in {lang}?",
            f"Show me hello world in {lang}.",
        ]
        qj = [
            f"{lang}でHello Worldを書いて",
            f"{lang}のハローワールドは？",
            f"{lang}でHello, world!を表示するコードを書いてください。",
            f"{lang}でハローワールドを書いてください。",
        ]
    else:
        q, qj = (
            [f'Print "{s}" in {lang}.', f'Write {lang} code that prints "{s}".', f'How do I print "{s}" in {lang}?'],
            [f"{lang}で「{s}」と表示するコードを書いてください。", f"{lang}で「{s}」を表示するには？"],
        )
    other = r.choice([x for x in HELLO if x != lang])
    return both(
        r,
        q,
        Parts(f"Here it is in {lang}:\n{code}", w, free=True),
        qj,
        Parts(f"{lang}ではこう書きます。\n{code}", w, free=True),
        follow=[
            lambda r: both(
                r,
                [f"And in {other}?", f"Now in {other}.", f"in {other}?"],
                Parts(f"Here it is in {other}:\n{fence(other, HELLO[other].format(s))}", HELLO[other].format(s), free=True),
                [f"{other}では？", f"{other}でも書いて"],
                Parts(f"{other}ではこう書きます。\n{fence(other, HELLO[other].format(s))}", HELLO[other].format(s), free=True),
            )
        ],
        **kw,
    )


def task(r: Random) -> Item:
    lang = r.choice(("Python", "Python", "Python", "Go", "JavaScript"))
    en, ja, code = r.choice(TASKS[lang])
    c = fence(lang, code)
    return both(
        r,
        [
            f"Write {lang} code that {en}.",
            f"Write a {lang} function that {en}.",
            f"{lang}: a function that {en}",
            f"Show me {lang} code that {en}.",
        ],
        Parts(f"This {lang} code {en}:\n{c}", code, free=True),
        [f"{ja}{lang}のコードを書いてください。", f"{lang}で{ja}関数を書いて", f"{lang}で{ja}には？"],
        Parts(f"{ja}{lang}のコードです。\n{c}", code, free=True),
        exact=True,
    )


PEOPLE = (
    ("Ken", "Tokyo", 20),
    ("Anna", "Paris", 31),
    ("Taro", "Osaka", 45),
    ("Mika", "Kyoto", 28),
    ("Tom", "London", 37),
    ("Yuki", "Sapporo", 19),
    ("Emma", "Berlin", 52),
    ("Jun", "Nagoya", 24),
)
KEYS = ("a", "b", "x", "y", "name", "age", "city", "color", "animal", "number", "title", "word", "price", "id")
VALS = {
    "name": ("Ken", "Anna", "Taro", "Mika"),
    "city": ("Tokyo", "Paris", "Kyoto"),
    "color": ("red", "blue", "green"),
    "animal": ("cat", "dog", "owl"),
    "title": ("Eight", "The Sea", "Hello"),
    "word": ("hello", "sun", "tea"),
}


def jsons(r: Random) -> Item:
    k = r.randrange(3)
    if k == 0:
        n, city, _ = r.choice(PEOPLE)
        age = r.randint(10, 80)
        text = json.dumps({"name": n, "age": age, "city": city})
        return both(
            r,
            [
                f"{n} is {age} years old and lives in {city}. Answer in JSON with keys name, age and city.",
                f"Give me JSON with name, age and city: {n}, {age}, {city}.",
                f"Convert to JSON: name {n}, age {age}, city {city}",
            ],
            Parts(text, text, free=True),
            [
                f"{n}は{age}歳で{city}に住んでいます。name、age、cityをキーにJSONで答えてください。",
                f"JSONにしてください：name {n}、age {age}、city {city}",
            ],
            Parts(text, text, free=True),
            exact=True,
        )
    ks = r.sample(KEYS, r.choice((1, 2, 2, 3)))
    vals = {x: r.choice(VALS[x]) if x in VALS else r.randint(1, 99) for x in ks}
    text = json.dumps(vals)
    named = " and ".join([", ".join(ks[:-1]), ks[-1]]) if len(ks) > 1 else ks[0]
    if k == 1:
        return both(
            r,
            [
                f"Answer in JSON with keys {named}." if len(ks) > 1 else f"Answer in JSON with the key {named}.",
                f"Give me a JSON object with {named}.",
                f"Write JSON with {named}.",
            ],
            Parts(text, text, free=True),
            [f"{'と'.join(ks)}をキーに持つJSONを書いてください。", f"キーが{'、'.join(ks)}のJSONで答えて"],
            Parts(text, text, free=True),
            exact=True,
        )
    body = ", ".join(f"{x} = {v}" for x, v in vals.items())
    return both(
        r,
        [f"Make JSON of {body}.", f"As JSON: {body}"],
        Parts(text, text, free=True),
        [f"{body}をJSONにして"],
        Parts(text, text, free=True),
        exact=True,
    )


TOPICS = [(hello, 2), (task, 1.6), (jsons, 1.6)]
