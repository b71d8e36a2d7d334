"""schemathesis against running roles: each is asked by its own OpenAPI document, and may answer nothing else.

    api_schemathesis.py NAME=URL...      prints one line a role: `schemathesis 4.32.5 of the NAME PASS`, or FAIL with what was wrong

TABIR_CASE, if it is set, is the access key of a case: every second question for that case is asked with it.
"""
import itertools
import json
import os
import re
import subprocess
import sys
from importlib.metadata import version

CHECKS = [
    "not_a_server_error",            # no 5xx
    "status_code_conformance",       # no status that the document does not have
    "content_type_conformance",
    "response_schema_conformance",
    "response_headers_conformance",
    "unsupported_method",            # 405 with Allow for a method that the document does not have
    "allow_header_conformance",
    "negative_data_rejection",       # nothing malformed is taken
]
# Enough for each field of each body to be wrong in several ways, and the same requests each time.
EXAMPLES = 60
SEED = 20261130
# Asked fewer times than this, a role was not tested.
FEWEST = 80


def hooks():
    """Inside schemathesis: how our media types travel, and the key of a case."""
    import schemathesis

    schemathesis.serializer.alias("application/private-token-request", "application/octet-stream")
    turn = itertools.count()

    @schemathesis.deserializer("application/private-token-issuer-directory")
    def directory(ctx, response):
        return json.loads(response.content)

    @schemathesis.hook
    def before_call(ctx, case, kwargs):
        if case.operation.path == "/v1/case" and os.environ.get("TABIR_CASE") and next(turn) % 2:
            case.headers = {**(case.headers or {}), "Authorization": f"Tabir-Case {os.environ['TABIR_CASE']}"}


def ask(name, url):
    command = [
        sys.executable, "-m", "schemathesis.cli", "run", f"{url}/v1/openapi.json", "--no-color",
        "--phases", "examples,coverage,fuzzing", "--max-examples", str(EXAMPLES), "--seed", str(SEED),
        "--generation-database", "none",
        # How quickly examples come says nothing of the role that is asked.
        "--suppress-health-check", "all", "--checks", ",".join(CHECKS), "--continue-on-failure",
    ]
    environment = {**os.environ, "SCHEMATHESIS_HOOKS": "api_schemathesis", "PYTHONPATH": os.path.dirname(__file__)}
    done = subprocess.run(command, env=environment, capture_output=True, text=True)
    counts = re.search(r"(\d[\d,]*) generated", done.stdout)
    asked = int(counts[1].replace(",", "")) if counts else 0
    passed = done.returncode == 0 and asked >= FEWEST
    print(f"schemathesis {version('schemathesis')} of the {name}: {asked} requests", file=sys.stderr)
    print(f"schemathesis {version('schemathesis')} of the {name} {'PASS' if passed else 'FAIL'}")
    if not passed:
        print(done.stdout[-20_000:], done.stderr[-2_000:], file=sys.stderr)
    return passed


if __name__ == "__main__":
    results = [ask(*role.split("=", 1)) for role in sys.argv[1:]]
    sys.exit(0 if results and all(results) else 1)
else:
    hooks()
