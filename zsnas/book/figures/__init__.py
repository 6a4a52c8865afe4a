"""Figures: drawings of single pages; what a user of the library draws is in `zsnas.figures`."""
