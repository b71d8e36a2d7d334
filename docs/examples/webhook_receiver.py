#!/usr/bin/env python3
"""A receiver of Tabir's webhooks with Python's standard library alone. docs/webhook.md explains it.

    webhook_receiver.py serve PORT SECRET-FILE DATABASE             takes messages, each once
    webhook_receiver.py tell URL SECRET-FILE REFERENCE STATUS TEXT  says what became of a report
"""
import base64, datetime, hashlib, hmac, http.server, json, sqlite3, sys, time, urllib.request, uuid


def sign(secret, message_id, timestamp, body):
    mac = hmac.new(secret, f"{message_id}.{timestamp}.".encode() + body, hashlib.sha256)
    return "v1," + base64.b64encode(mac.digest()).decode()


def genuine(secret, headers, body):
    message_id, at = headers["webhook-id"] or "", headers["webhook-timestamp"] or ""
    right = sign(secret, message_id, at, body).encode()
    given = (headers["webhook-signature"] or "").encode().split()
    now = at.isdecimal() and abs(time.time() - int(at)) <= 300
    return now and any(hmac.compare_digest(one, right) for one in given)


class Receiver(http.server.BaseHTTPRequestHandler):
    def do_POST(self):
        body = self.rfile.read(min(int(self.headers["content-length"] or 0), 1 << 20))
        if not genuine(SECRET, self.headers, body):
            return self.answer(401)
        message = json.loads(body)
        with sqlite3.connect(DATABASE) as db:  # the id and its effect are one transaction: all of it, or nothing
            if db.execute("INSERT OR IGNORE INTO seen VALUES (?)", [self.headers["webhook-id"]]).rowcount == 1:
                row = [message["data"]["reference"], message["type"], message["data"]["description"]]
                db.execute("INSERT INTO complaints VALUES (?, ?, ?)", row)
        self.answer(204)

    def answer(self, status):
        self.send_response(status)
        self.send_header("content-length", "0")
        self.end_headers()

    def log_message(self, *_):
        pass


def tell(url, reference, status, text):
    now = datetime.datetime.now(datetime.timezone.utc).isoformat()
    data = {"reference": reference, "status": status, "text": text}
    body = json.dumps({"type": "report.updated", "timestamp": now, "data": data}).encode()
    message_id, at = str(uuid.uuid4()), str(int(time.time()))  # on a second attempt: the same id, a new time
    headers = {"content-type": "application/json", "webhook-id": message_id, "webhook-timestamp": at}
    headers["webhook-signature"] = sign(SECRET, message_id, at, body)
    urllib.request.urlopen(urllib.request.Request(url, body, headers), timeout=30)


SECRET = base64.b64decode(open(sys.argv[3]).read().strip().removeprefix("whsec_"))
if sys.argv[1] == "serve":
    DATABASE = sys.argv[4]
    with sqlite3.connect(DATABASE) as db:
        db.execute("CREATE TABLE IF NOT EXISTS seen (id TEXT PRIMARY KEY)")
        db.execute("CREATE TABLE IF NOT EXISTS complaints (reference TEXT, type TEXT, description TEXT)")
    http.server.ThreadingHTTPServer(("127.0.0.1", int(sys.argv[2])), Receiver).serve_forever()
else:
    tell(sys.argv[2], *sys.argv[4:7])
