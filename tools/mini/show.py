"""Print conversations of the corpus: python show.py SEED COUNT [TOPIC]"""

import random
import sys

from corpus import talk
from corpus.core import DEFAULT

seed, n, only = int(sys.argv[1]), int(sys.argv[2]), sys.argv[3] if len(sys.argv) > 3 else None
r = random.Random(seed)
while n:
    name, system, lang, turns = talk.conversation(r)
    if only and name != only:
        continue
    n -= 1
    print(f"--- {name} {lang} {system or ''}")
    for q, a, text in turns:
        print("U:", q, {k: v for k, v in a.items() if v != DEFAULT[k]} or "")
        print("A:", text)
