"""Everything of Winnow, without a screen and without SQL. Read in this order:

model.py     the nouns
steps.py     the whole program on one page: store -> verb -> store
<verb>.py    scrape, clean, review, split, train, evaluate, explain, predict: one file each
jobs.py      a job is a row: claim, lease, fence, run
engine/      where work happens
pixels.py    bytes -> image -> crop -> tensor
web.py       the only door to the network
__main__.py  python -m core VERB ...: the command line, and the only file here that knows db
"""
