"""Writes pickles of every kind of plain data, made by Python itself: `python3 vectors.py > vectors.json`.

`python3 vectors.py check` reads base64 pickles from the standard input, one a line, and writes the `repr` of each.
"""

import base64
import datetime
import decimal
import json
import pickle
import sys

shared = {"a": 1}
cyclic = [1]
cyclic.append(cyclic)
loop = {}
loop["self"] = (loop, [loop])
plus2 = datetime.timezone(datetime.timedelta(hours=2, minutes=30))

# A name, the value, and the JavaScript expression that it is read as.
VALUES = [
    ("none", None, "null"),
    ("true", True, "true"),
    ("false", False, "false"),
    ("ints", [0, 1, -1, 255, 256, 65535, 65536, -2**31, 2**31, 2**53 - 1], "[0, 1, -1, 255, 256, 65535, 65536, -2147483648, 2147483648, 2**53 - 1]"),
    ("long ints", [2**53, -2**63, 2**64, 10**100, -2**2048, 2**10000 + 1], "[2n**53n, -(2n**63n), 2n**64n, 10n**100n, -(2n**2048n), 2n**10000n + 1n]"),
    ("floats", [0.5, -0.0, 1e300, float("inf"), float("-inf"), float("nan"), 3.0], "[0.5, -0, 1e300, Infinity, -Infinity, NaN, 3]"),
    ("str", ["", "dark", "h\u00e9 \u2603 \U0001f600", "nul \0", "line\nbreak \\u0041", "half \ud800", "x" * 300], "['', 'dark', 'h\\u00e9 \\u2603 \\u{1f600}', 'nul \\0', 'line\\nbreak \\\\u0041', 'half \\ud800', 'x'.repeat(300)]"),
    ("bytes", [b"", b"a", b"\x00\xff\x80", b"y" * 300], "[new Uint8Array(), Uint8Array.of(97), Uint8Array.of(0, 255, 128), new Uint8Array(300).fill(121)]"),
    ("bytearray", [bytearray(), bytearray(b"\x00\xff")], "[new Uint8Array(), Uint8Array.of(0, 255)]"),
    ("long bytearray", bytearray(b"z" * 300), "new Uint8Array(300).fill(122)"),
    ("dict", {"theme": "dark", "perPage": 20, "": {"__proto__": [1]}}, "JSON.parse('{\"theme\":\"dark\",\"perPage\":20,\"\":{\"__proto__\":[1]}}')"),
    ("dict with other keys", {1: "a", (2, 3): None, None: True}, "new Map([[1, 'a'], [[2, 3], null], [null, true]])"),
    ("empty", [{}, [], (), set(), frozenset()], "[{}, [], [], new Set(), new Set()]"),
    ("list", list(range(1001)), "Array.from({ length: 1001 }, (_, n) => n)"),
    ("tuples", [(1,), (1, 2), (1, 2, 3), (1, 2, 3, 4)], "[[1], [1, 2], [1, 2, 3], [1, 2, 3, 4]]"),
    ("set", {7}, "new Set([7])"),
    ("frozenset", frozenset(["x"]), "new Set(['x'])"),
    ("datetime", datetime.datetime(2020, 2, 29, 23, 59, 58, 123999), "new Date('2020-02-29T23:59:58.123Z')"),
    ("aware datetimes", [datetime.datetime(2020, 1, 1, tzinfo=datetime.timezone.utc), datetime.datetime(2020, 1, 1, 2, 30, tzinfo=plus2)], "[new Date('2020-01-01'), new Date('2020-01-01')]"),
    ("folded datetime", datetime.datetime(2020, 10, 25, 2, 30, fold=1), "new Date('2020-10-25T02:30:00Z')"),
    ("early datetimes", [datetime.datetime(1, 1, 1), datetime.datetime(1850, 6, 1)], "[new Date('0001-01-01'), new Date('1850-06-01')]"),
    ("date", [datetime.date(1999, 12, 31), datetime.date(9999, 12, 31)], "[new Date('1999-12-31'), new Date('9999-12-31')]"),
    ("timedelta", [datetime.timedelta(days=-1, seconds=1), datetime.timedelta(microseconds=1500)], "[-86399000, 1.5]"),
    ("decimal", [decimal.Decimal("1.50"), decimal.Decimal("-1E+10"), decimal.Decimal("NaN")], "['1.50', '-1E+10', 'NaN']"),
    ("shared", [shared, shared], "(it => [it, it])({ a: 1 })"),
    ("cyclic list", cyclic, "(it => (it.push(it), it))([1])"),
    ("cyclic dict", loop, "(it => Object.assign(it, { self: [it, [it]] }))({})"),
    ("deep", eval("[" * 90 + "]" * 90), "JSON.parse('['.repeat(90) + ']'.repeat(90))"),
]


class Own:
    pass


# What must be refused: classes, functions, and whatever a pickle could call.
class Exploit:
    def __reduce__(self):
        return (eval, ("1",))


REFUSED = [
    ("an instance", Own()),
    ("a call", Exploit()),
    ("a class", Own),
    ("a known class", datetime.datetime),
    ("a function", len),
    ("a time", datetime.time(1, 2)),
    ("a time zone", plus2),
    ("a complex number", 1 + 2j),
    ("a range", range(3)),
    ("an exception", ValueError("x")),
]


def dumps(value, protocol):
    return base64.b64encode(pickle.dumps(value, protocol)).decode("ascii")


def vectors():
    rows = []
    for name, value, expected in VALUES:
        for protocol in range(pickle.HIGHEST_PROTOCOL + 1):
            rows.append({"name": name, "protocol": protocol, "pickle": dumps(value, protocol), "expected": expected})
    for name, value in REFUSED:
        for protocol in range(pickle.HIGHEST_PROTOCOL + 1):
            if isinstance(value, Own) and protocol < 2:
                continue
            rows.append({"name": name, "protocol": protocol, "pickle": dumps(value, protocol)})
    return rows


if len(sys.argv) > 1 and sys.argv[1] == "check":
    for line in sys.stdin:
        print(ascii(pickle.loads(base64.b64decode(line))))
elif len(sys.argv) > 1 and sys.argv[1] == "durabledict":
    # As the Python library writes them: lines of base64.
    print(json.dumps({name: base64.encodebytes(pickle.dumps(value, -1)).decode("ascii") for name, value, _ in VALUES}))
else:
    print("[\n" + ",\n".join(json.dumps(row) for row in vectors()) + "\n]")
