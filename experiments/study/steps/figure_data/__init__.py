"""What the page draws beyond rates: questions one by one, projections, distances, cosines, transfer, patching.

Each file makes one part of an organism's line of `maps.jsonl`, and rows of `estimates.jsonl` wherever a number is
claimed rather than drawn. What cannot be made says so in one line, under the key `missing`.
"""
