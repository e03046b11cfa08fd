"""Writes goldens.json: layouts of the published EPLB, computed from its description.

The first case is the example of the README of deepseek-ai/EPLB, whose printed
result is checked here. The others are random shapes and loads. The program is a
second implementation, with heaps and exact rational numbers: it shares nothing
with the one in Go. Loads below 2^20 and powers of two as counts keep the float32
arithmetic of the published program exact, except where a quotient is rounded;
a case in which rounding could decide is left out.

    python3 make_goldens.py
"""

import heapq
import json
import random
from fractions import Fraction
from pathlib import Path


class Close(Exception):
    """Two different numbers are too close for float32 to tell apart."""


def order(a, b):
    if a != b and abs(a - b) < Fraction(max(abs(a), abs(b)), 1 << 16):
        raise Close


def packing(weights, packs):
    """Lists of items: heaviest first into the lightest pack with a free place."""
    room = len(weights) // packs
    if room == 1:
        return [[i] for i in range(packs)]
    ranked = sorted(range(len(weights)), key=lambda i: (-weights[i], i))
    for a, b in zip(ranked, ranked[1:]):
        order(weights[a], weights[b])
    heap = [(Fraction(0), p) for p in range(packs)]
    contents = [[] for _ in range(packs)]
    for item in ranked:
        total, p = heapq.heappop(heap)
        if heap:
            order(total, heap[0][0])
        contents[p].append(item)
        if len(contents[p]) < room:
            heapq.heappush(heap, (total + weights[item], p))
    return contents


def replication(weights, slots):
    """The expert of every slot, and the copies of every expert."""
    heap = [(-w, e) for e, w in enumerate(weights)]
    heapq.heapify(heap)
    copies = [1] * len(weights)
    held = list(range(len(weights)))
    while len(held) < slots:
        top, e = heapq.heappop(heap)
        if heap:
            order(-top, -heap[0][0])
        held.append(e)
        copies[e] += 1
        heapq.heappush(heap, (-Fraction(weights[e], copies[e]), e))
    return held, copies


def rebalance(loads, slots, groups, nodes, gpus):
    if groups % nodes:
        groups = nodes = 1
    size = len(loads) // groups
    members = [range(g * size, (g + 1) * size) for g in range(groups)]
    layout = []
    for chosen in packing([Fraction(sum(loads[e] for e in m)) for m in members], nodes):
        experts = [e for g in chosen for e in members[g]]
        held, copies = replication([Fraction(loads[e]) for e in experts], slots // nodes)
        share = [Fraction(loads[experts[h]], copies[h]) for h in held]
        for pack in packing(share, gpus // nodes):
            layout += [experts[held[slot]] for slot in pack]
    return layout


README = {
    "slots": 16, "groups": 4, "nodes": 2, "gpus": 8,
    "loads": [[90, 132, 40, 61, 104, 165, 39, 4, 73, 56, 183, 86],
              [20, 107, 104, 64, 19, 197, 187, 157, 172, 86, 16, 27]],
}
PRINTED = [[5, 6, 5, 7, 8, 4, 3, 4, 10, 9, 10, 2, 0, 1, 11, 1],
           [7, 10, 6, 8, 6, 11, 8, 9, 2, 4, 5, 1, 5, 0, 3, 1]]


def finish(case):
    case["layout"] = [rebalance(l, case["slots"], case["groups"], case["nodes"], case["gpus"]) for l in case["loads"]]
    return case


def cases():
    yield finish(README)
    assert README["layout"] == PRINTED, README["layout"]
    dice = random.Random(8)
    found = 0
    while found < 200:
        nodes = dice.choice([1, 1, 2, 3, 4])
        gpus = nodes * dice.choice([1, 2, 3, 4])
        groups = dice.choice([1, nodes, 2 * nodes, nodes + 1])
        experts = groups * dice.choice([1, 2, 4, 8])
        slots = gpus * dice.randint(1, 6)
        top = dice.choice([3, 100, 1 << 20])
        if slots < experts:
            continue
        try:
            yield finish({"slots": slots, "groups": groups, "nodes": nodes, "gpus": gpus,
                          "loads": [[int(dice.random() ** 3 * top) for _ in range(experts)]]})
            found += 1
        except Close:
            pass


if __name__ == "__main__":
    lines = ",\n".join(json.dumps(c) for c in cases())
    Path(__file__).with_name("goldens.json").write_text("[\n" + lines + "\n]\n")
