"""The logger `sartor`: connections, statements with their times, waits and retries at DEBUG; never a password.

It is silent until an application configures logging, as the library never prints.
"""

import logging

LOG = logging.getLogger("sartor")
LOG.addHandler(logging.NullHandler())
