"""The steps of one organism, each cached by content: finetune, sample, locate, intervene, figure_data, compare.

A step writes its facts and whatever the next one needs. It runs again only when its configuration,
its inputs or its code have changed. The untouched base goes through `sample` alone.
"""
