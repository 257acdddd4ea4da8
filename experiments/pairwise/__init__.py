"""Hsu, Lv & Kira 2018, *Learning to Cluster*: clustering through a learned similarity."""
