"""The side of Nuke: starts the worker and talks to it. Standard library only, Python 3.7 syntax, relative imports.

So it can be loaded by its folder, under any name, without the rest of the package:

    startup     what Nuke is told when it starts: callbacks, menu
    description what the node is, as lists; nk writes them as the text of its .gizmo
    actions     what its buttons do; plan, state, graph, render, precomp and review are their parts
    guard       stops renders that lack mattes
    jobs        work under way, shown in the node
    client      asks for mattes, calls back, starts a dead worker again
    process     the worker's process, its pipes, and what it inherits from Nuke
    find        which command starts the worker
    pathmap     the same file's names on two machines
    protocol    the messages, checked against the schema; also used by the worker
    wire        lines of JSON; also used by the worker
    schema      the little of JSON Schema that the protocol needs
    errors      HostError
"""
