"""The pure stages between a captured frame and the bytes of a viewer: values in, values out.

``tiles`` is the grid they all count in. ``damage`` finds what changed, ``history`` remembers how
often, ``pending`` what one viewer lacks, ``content`` what kind of pixels there are, ``plan`` what
to send of them with the help of ``quality``, ``choice`` and ``pacing``.
"""
