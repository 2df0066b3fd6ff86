"""How fast a method is, part by part: the marks in its code, and what is measured by them.

:mod:`bench.speed.marks` is what a method's code may import; the rest is ``bench speed``.
"""
