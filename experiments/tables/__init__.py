"""Tables 3 and 4 of Jiang & Verma 2019: learners trained and tested on labelled tables."""
