"""Sends three lines with the PyPI package loki-logger-handler, as a program's own logging would.

Takes the push URL, a bearer token and the value of the label `run` as arguments; prints as JSON what
the package said of the one batch that it sent: an error, or null.
"""

import json
import logging
import sys
import threading

from loki_logger_handler.loki_logger_handler import LokiLoggerHandler

url, token, run = sys.argv[1:]
handler = LokiLoggerHandler(
    url=url,
    labels={"app": "shop", "run": run, "resource_id": "shop-db"},
    label_keys=["level"],
    additional_headers={"Authorization": f"Bearer {token}", "X-Scope-OrgID": "globex-iot"},
    enable_structured_loki_metadata=True,
    loki_metadata={"version": "1.2", "resource_id": "shop-db"},
    # Nothing is sent before it is asked for: the batch is one, and its end is waited for.
    timeout=3600,
)
send, sent, said = handler.request.send, threading.Event(), []


def watched(data):
    try:
        send(data)
    except Exception as error:
        said.append(str(error))
        raise
    finally:
        sent.set()


handler.request.send = watched
logger = logging.getLogger("shop")
logger.setLevel(logging.INFO)
logger.propagate = False
logger.addHandler(handler)

logger.info("an order came in", extra={"order": 7})
logger.warning("zwölf Bestellungen\nwarten")
logger.error("no answer from the database")
handler.flush_event.set()
if not sent.wait(30):
    sys.exit("nothing was sent")
print(json.dumps({"error": said[0] if said else None}))
