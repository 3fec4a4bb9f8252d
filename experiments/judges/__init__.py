"""Judges that read a rubric: a server's model or a local one, scored by the numbers they would write.

Both are `experiments.sampling.Judge`; the exact judge of the toy language is in `experiments/micro/judge.py`.
"""
