"""The exit codes of all verbs: 0 all done, 1 some frames (or checks) failed, 2 wrong use, 130 interrupted."""

OK, FAILED, WRONG_USE, INTERRUPTED = 0, 1, 2, 130
INTERRUPTION = "nuke-matting: interrupted; run the same command again to go on"  # what is said with the last
