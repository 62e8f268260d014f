"""What Supervisor reads in each of the cases below: writes testdata/supervisor/cases.json.

Run with a Python 3 that has the package `supervisor` (written with 4.3.0 on Python 3.11):
    python testdata/oracle_supervisor.py > testdata/supervisor/cases.json
An argument is the number of random mixtures to add; the test reads the file that CONFSCAN_SUPERVISOR_CASES names.
"""

import io
import json
import random
import sys

from supervisor.compat import ConfigParser
from supervisor.datatypes import boolean, dict_of_key_value_pairs
from supervisor.options import UnhosedConfigParser

CONFIGS = [
    "",
    "; comment\n# comment\n\n[supervisord]\nnodaemon=true\n",
    "[a]\nk=v",
    "[a]\nk = v ; c\nl : w # c\nm=v;c\nn=v#c\no = a;b ;c #d\np=;c\nq= ;c\nr=#c\n",
    "[a]\nk=a\tb\t;c\nl=a\u00a0;c\nm=a\u2003#c\n",
    "[a]\nk=1 ;c ;d\nl=x;y ;z #w\nm=x#y ;z\nn=x;;y ;z\n",
    "[a]\nKey Name = v\nUPPER:v\n\u00c4\u03a3=v\nk==v\nl:=v\nm=:v\nn=a=b:c\n",
    "[a]\nk=1\nk=2\n[b]\nk=3\n[a]\nK=4\nl=5\n",
    "[a]\nk=1\n  2\n\t3\n  4 ; c\n  ; c\n  # c\n  5\n",
    "[a]\nk=\n  1\n  2\n",
    "[a]\nk=1\n\n\n  2\n\nl=3\n\n\n",
    "[a]\nk=1\n   \n\t\n  2\n",
    "[a]\nk=1\n;c\n\n#c\n  2\n",
    "[a]\n  k=1\n  l=2\n    3\n   4\n m=5\n  6=7\n",
    "  [a]\n  k=1\n    [b]\n  [c]\n  k=2\n",
    "[a]\nk=1\n [b]\n l=2\n",
    "[a]\nk=1\n[b]\n  l=2\n  m=3\n",
    "[a]\r\nk=1\r\n  2\r\n\r\nl=3\r\n",
    "[a]\rk=1\r  2\r\rl=3\r",
    "[a]\r\rk=1\n\r  2\r\n\nl=3",
    "[a]\nk=a\u0085b\u2028c\u000bd\u000ce\n",
    "[a]\nk=\u001c1\u001d\n\u001fl=2\n",
    "[a]b\nk=1\n[a]b]c\nl=2\n[ a ]\nm=3\n[]]\nn=4\n",
    "[a] ; comment\nk=1\n[b];x]\nl=2\n[c ;d]\nm=3\n",
    "[DEFAULT]\nk=1\nl=2\n[a]\nk=3\n",
    "[default]\nk=1\n",
    "[a]\n[b]\n[a]\n",
    "[a]\nk=%(ENV_X)s%%\nl=%(here)s/x\n",
    "[a]\ncommand=nginx -g 'daemon off;'\nl=sh -c \"a; b\"\n",
    "k=1\n",
    "[]\nk=1\n",
    "[a\nk=1\n",
    "[a]\nk\n",
    "[a]\n[]\n",
    "[a]\n=v\n",
    "[a]\n = v\n  w\n",
    "[a]\nk=1\nbroken\nl=2\n",
    "\ufeff[a]\nk=1\n",
    "\ufeff; c\n[a]\nk=1\n",
    "[a]\nk=1\x00\n",
]

ENVIRONMENTS = [
    "",
    "A=1",
    "A=1,B=2",
    'A="1",B=\'2 3\',C="a,b=c"',
    'A = "1" , B = 2,',
    "A=1 B=2",
    "A=1,,B=2",
    "A=1;B=2;C=3",
    "A=a.b/c+d-e:f(g)",
    "A=http://x?y",
    'A="it\'s",B=\'"x"\'',
    'A=a"b c"',
    'A=a"b"c',
    'A="x"y',
    'A=""',
    "A=''',B=1",
    "A=x#c\ny,B=2",
    "A=#c\nx,B=2",
    'A="1",\nB="2"',
    'A="open',
    "A=1,B='open",
    "A",
    "A=",
    "=1",
    "A,B=1",
    "A=\u00e9",
    'A="\u00e9\u6f22"',
    "A=@b",
    "A=1\\,B=2",
    'A="a\\"b"',
    "A=1,A=2",
    "A-B=1",
    "A=()",
]

PIECES = (
    "[a]|[b]|[DEFAULT]|[|]|k|K|l|=|:| = |;| ;|#| #|x|1|\n|\n|\n|\r\n|\r|\n  |\n    |\n\t| |\t|\n\n|\u00a0|\u001c|\u2028|\u00e9|%|'"
).split("|")

ENVIRONMENT_PIECES = "A|B|1|=|=|=|,|,|\"|'| |\n|#|x|\u00e9|.|/|\\".split("|")


def read(text):
    parser = UnhosedConfigParser()
    try:
        parser.read_file(io.StringIO(text, newline=None))
    except ConfigParser.ParsingError as error:
        return {"text": text, "error": type(error).__name__}
    sections = {name: dict(options) for name, options in parser._sections.items()}
    if parser._defaults:
        sections["DEFAULT"] = dict(parser._defaults)
    return {"text": text, "sections": sections}


def environment(text):
    try:
        return {"text": text, "variables": dict_of_key_value_pairs(text)}
    except ValueError as error:
        return {"text": text, "error": type(error).__name__}


def truth(text):
    try:
        return {"text": text, "value": boolean(text)}
    except ValueError:
        return {"text": text, "value": None}


def mixtures(pieces, start, count, most):
    chance = random.Random(1)
    for _ in range(count):
        yield start + "".join(chance.choice(pieces) for _ in range(chance.randint(1, most)))


def main():
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 150
    configs = CONFIGS + list(mixtures(PIECES, "[a]\nk=v", count, 40))
    environments = ENVIRONMENTS + list(mixtures(ENVIRONMENT_PIECES, "A=", count, 12))
    cases = {
        "configs": [read(text) for text in configs],
        "environments": [environment(text) for text in environments],
        "booleans": [truth(text) for text in "yes TRUE On 1 no False OFF 0 y n 2".split() + [""]],
    }
    # One case a line.
    lines = [f'"{key}": [\n' + ",\n".join(json.dumps(case) for case in list_) + "\n]" for key, list_ in cases.items()]
    print("{\n" + ",\n".join(lines) + "\n}")


main()
