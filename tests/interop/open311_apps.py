"""Two Open311 clients, unchanged, against a facade.

  open311_apps.py URL KEY CATEGORY CANARY

civicbot finds the service, asks for its definition, reports with name, e-mail and phone, and asks for the status.
georeport reads services, definition and request in JSON and in XML. Prints one line of JSON for the caller, who looks
for the report behind the facade, and then the two lines for scripts/interop.
"""

import json
import os
import sys
from importlib.metadata import version

# No proxy of this machine may stand between: the facade is on loopback.
for name in list(os.environ):
    if name.lower().endswith("_proxy"):
        del os.environ[name]

from civicbot.http import HttpError  # noqa: E402
from civicbot.open311 import Open311Client, ValidationError  # noqa: E402
from civicbot.registry import Endpoint  # noqa: E402
from georeport import GeoReport  # noqa: E402

url, key, category, canary = sys.argv[1:]


def check(what, holds):
    if not holds:
        sys.exit(f"open311_apps: {what}")


bot = Open311Client(Endpoint(id="facade", name="Facade", base_url=url, write=True))


def report(**more):
    given = dict(
        dry_run=False, confirm="SEND", api_key=key, validate_remote=True, lat=-6.1754, lng=106.8272,
        address_string="Jalan Merdeka", description=f"Reported by an app. {os.urandom(6).hex()}",
        first_name=canary, last_name="Contoh", email=f"{canary}@example.org", phone=f"0812-{canary}",
        attributes={"since": "2026-11-01"},
    )
    return bot.create_request(category, **{**given, **more}).response[0]


try:
    report(attributes={})
    check("a required attribute was not asked for", False)
except ValidationError as error:
    check("it is the one that the definition names", "since" in str(error))
made = report()
check("an id and a receipt, which is not the id", made["receipt"] not in made["service_request_id"])
check("the notice has the receipt", made["receipt"] in made["service_notice"])
check("nothing of the identity comes back", canary not in json.dumps(made))
found = bot.get_request(made["service_request_id"])
check("the status by the id", found["status"] in ("open", "closed"))
check("a list by ids", bot.list_requests(service_request_ids=[made["service_request_id"]])[0]["status"] == found["status"])
check("an id is its own token", bot.get_token(made["service_request_id"])[0]["service_request_id"] == made["service_request_id"])
for more, status in [({"api_key": "wrong"}, 403), ({"media_url": "https://example.org/a.jpg"}, 400)]:
    try:
        report(**more)
        check(f"{more} was taken", False)
    except HttpError as error:
        check(f"{more}: {error.status}", error.status == status and json.loads(error.body)[0]["code"] == status)

for form in ("json", "xml"):
    app = GeoReport(url, output_format=form)
    services = app.get_service_list()
    check(f"{form}: services", category in [s["service_code"] for s in services] and len(services) > 1)
    definition = app.get_service_definition(category)
    attributes = definition["attributes"] if form == "json" else [definition["attributes"]["attribute"]]
    check(f"{form}: definition", attributes[0]["code"] == "since")
    request = app.get_service_request(made["service_request_id"])
    check(f"{form}: request", request["service_request_id"] == made["service_request_id"] and request["status"] == found["status"])

print(json.dumps({"receipt": made["receipt"], "reference": made["reference"]}))
print(f"civicbot {version('civicbot')} PASS")
print(f"georeport {version('georeport')} PASS")
