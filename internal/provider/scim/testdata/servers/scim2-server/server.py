"""The server of the PyPI package scim2-server, for tests.

It is the package's own test server, on a free port; it prints its address and
ends with the test that started it.
"""

import os
import sys
import threading
from wsgiref.simple_server import WSGIRequestHandler, make_server

sys.path.insert(0, sys.argv[1])

from scim2_models import ScimProvider  # noqa: E402
from scim2_server.memory import InMemoryStorage  # noqa: E402
from scim2_server.service import ScimService  # noqa: E402
from scim2_server.testserver.application import BEARER_TOKEN_SCHEME, BearerTokenApplication  # noqa: E402
from scim2_server.testserver.cli import ThreadingWSGIServer  # noqa: E402
from scim2_server.utils import (  # noqa: E402
    load_default_resource_types,
    load_default_schemas,
    load_default_service_provider_config,
)


class Quiet(WSGIRequestHandler):
    def log_message(self, *args):
        pass


config = load_default_service_provider_config()
config.authentication_schemes = [BEARER_TOKEN_SCHEME]
provider = ScimProvider.from_discovery(
    load_default_schemas().values(), load_default_resource_types().values(), config=config
)
app = BearerTokenApplication(
    InMemoryStorage(), provider, service=ScimService(provider, secret="x" * 32), bearer_tokens=[os.environ["TEST_TOKEN"]]
)
server = make_server("127.0.0.1", 0, app, server_class=ThreadingWSGIServer, handler_class=Quiet)
threading.Thread(target=server.serve_forever, daemon=True).start()
print(f"http://127.0.0.1:{server.server_port}/v2", flush=True)
sys.stdin.read()
