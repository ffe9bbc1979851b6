"""The side of Nuke: starts the worker and talks to it. Standard library only, Python 3.7 syntax, relative imports.

So it can be loaded by its folder, under any name, without the rest of the package:

    startup     what Nuke is told when it starts: callbacks, menu
    description what the node is, as lists; nk writes them as the text of its .gizmo
    live        the same of the node that is the model in Nuke's own Inference node
    actions     what the node's buttons do; plan, state, render, precomp, review and
                choice are their parts
    guard       stops renders that lack mattes
    jobs        work under way, shown in the node
    progress    how far that is, in words
    wording     flags in what the worker says, as the knobs that they are here
    graph       which nodes and files feed a node
    identity    what these are known by, in any session and on any machine
    patterns    names of files in a script: frame numbers, Tcl, whole paths
    frames      frame ranges and curves as texts
    times       when files were written last
    script_values  knobs of the script's root, and its variables, that nodes ask for
    script_colour  the script's OCIO config, and the spaces of its pixels
    client      asks for mattes, calls back, starts a dead worker again
    process     the worker's process, its pipes, and what it inherits from Nuke
    find        which command starts the worker
    paths       a file's names on this machine and on all; by pathmap, the table of those
    protocol    the messages, checked against the schema; also used by the worker
    wire        lines of JSON; also used by the worker
    schema      the little of JSON Schema that the protocol needs
    errors      HostError
    nuke_api    the module nuke, where there is one
"""
