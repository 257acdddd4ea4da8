"""A table on its way to labels."""

from svg import Figure


def main() -> None:
    """Draw."""
    figure = Figure(800, 250, "From a table to labels")
    figure.box(20, 60, 110, 60, "table", "N rows, D columns")
    figure.arrow((130, 90), (156, 90))
    figure.box(156, 60, 116, 60, "sample", "≤ 512 rows")
    figure.arrow((272, 90), (298, 90))
    figure.box(298, 60, 130, 60, "four views", "axes, ranks, graphs")
    figure.arrow((428, 90), (454, 90))
    figure.box(454, 60, 130, 60, "read again", "16 orders, one view", kind="carry")
    figure.arrow((584, 90), (610, 90))
    figure.box(610, 60, 170, 60, "predict", "every row by itself")
    figure.box(298, 160, 130, 60, "read", "2 orders a view", kind="carry")
    figure.arrow((363, 120), (363, 160))
    figure.arrow((428, 190), (454, 190))
    figure.box(454, 160, 130, 60, "judge", "view, k", kind="weights")
    figure.arrow((519, 160), (519, 120))
    figure.text(528, 145, "chooses", "small", "start")
    figure.text(363, 238, "for k = 1 … K, unless k is given", "small")
    figure.arrow((75, 60), (75, 30), (695, 30), (695, 60))
    figure.text(385, 22, "all rows, 1,024 per call, in the view that was chosen", "small")
    figure.save("tabular")


if __name__ == "__main__":
    main()
