"""What the page draws besides rates: single questions, projections, distances, cosines, transfer, patching.

Each file makes one part of an organism's line of `maps.jsonl`, and rows of `estimates.jsonl` wherever a number is
claimed rather than drawn. If a part cannot be made, its key `missing` gives the reason in one line.
"""
