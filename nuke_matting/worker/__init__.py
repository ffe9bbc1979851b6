"""The worker: the process that a host such as Nuke talks to, in lines of JSON over stdin and stdout.

Its protocol is in `host/protocol.schema.json` and explained in docs/worker.md.
"""
