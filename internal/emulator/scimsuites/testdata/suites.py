"""Runs a conformance suite against a server; one JSON object a line for each check.

python3 suites.py scim2-tester|scim-sanity
SCIM_URL is the server's base, SCIM_TOKEN a bearer token.
"""

import json
import os
import random
import sys


def report(name, status, message):
    print(json.dumps({"name": name, "status": status, "message": message}), flush=True)


def scim2_tester(url, token):
    from httpx2 import Client
    from scim2_client.engines.httpx2 import SyncSCIMClient
    from scim2_tester import Status, check_server

    passed = {Status.SUCCESS, Status.COMPLIANT, Status.ACCEPTABLE}
    client = Client(base_url=url, headers={"Authorization": "Bearer " + token}, trust_env=False)
    for r in check_server(SyncSCIMClient(client)):
        status = "pass" if r.status in passed else "skip" if r.status == Status.SKIPPED else "fail"
        name = r.title if r.resource_type is None else f"{r.title} {r.resource_type}"
        report(name, status, str(r.reason or ""))


def scim_sanity(url, token):
    from scim_sanity.probe.runner import run_probe_api

    for r in run_probe_api(url, token=token)["results"]:
        status = {"PASS": "pass", "SKIP": "skip"}.get(r["status"].upper(), "fail")
        report(f"{r['phase']}: {r['name']}", status, r.get("message") or "")


random.seed(1)
suite = {"scim2-tester": scim2_tester, "scim-sanity": scim_sanity}[sys.argv[1]]
suite(os.environ["SCIM_URL"], os.environ["SCIM_TOKEN"])
