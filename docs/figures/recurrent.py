"""The recurrent learner: three steps of the stack; training and inference."""

from svg import Figure

LAYERS = ("LSTM, 64 units", "LSTM, 64 units", "LSTM, 64 units", "LSTM, K units")


def column(figure: Figure, x: float, t: str) -> None:
    """One step: a point at the bottom, its score at the top."""
    before = {"t-1": "t-2", "t": "t-1", "t+1": "t"}[t]
    figure.box(x, 372, 130, 34, f"x_{{{t}}} , a_{{{before}}}")
    for index, name in enumerate(LAYERS):
        y = 302 - 68 * index
        figure.box(x, y, 130, 36, name, kind="weights")
        below = 372 if index == 0 else y + 68
        figure.arrow((x + 65, below if index in (0, 1) else y + 58), (x + 65, y + 36))
    for y in (234, 166):  # residual connections around layers 2 and 3
        figure.circle(x + 65, y - 16, 8, text="+")
        figure.arrow((x + 65, y), (x + 65, y - 8))
        figure.arrow((x + 65, y + 48), (x + 146, y + 48), (x + 146, y - 16), (x + 73, y - 16))
    figure.arrow((x + 65, 98), (x + 65, 72))
    figure.box(x, 38, 130, 34, f"score a_{{{t}}}", kind="box")


def main() -> None:
    """Draw."""
    figure = Figure(800, 690, "The recurrent learner")
    figure.text(20, 26, "One epoch: the points in random order", "title", "start")
    columns = ((100, "t-1"), (330, "t"), (560, "t+1"))
    for x, t in columns:
        column(figure, x, t)
    for x in (22, 230, 460, 690):  # the carry
        for y in (320, 252, 184, 116):
            first = x + 8 if x == 22 else x
            figure.arrow((first, y), (min(x + 100, 780) if x > 22 else 100, y), kind="carry")
    for x in (230, 460):  # the previous score
        figure.arrow((x, 55), (x + 52, 55), (x + 52, 389), (x + 100, 389))
    figure.text(
        400,
        432,
        "orange: the carry (hidden and cell state of each layer), kept from point to point "
        "and from epoch to epoch",
        "small",
    )

    figure.text(20, 474, "Training (Algorithm 1)", "title", "start")
    figure.box(20, 490, 140, 56, "task distribution", "points with labels")
    figure.arrow((160, 518), (190, 518))
    figure.box(190, 490, 120, 56, "B tasks", "shuffled")
    figure.arrow((310, 518), (340, 518))
    figure.box(340, 490, 160, 56, "E epochs", "carry kept between", kind="carry")
    figure.arrow((500, 518), (530, 518))
    figure.box(530, 490, 100, 56, "loss", "labels, scores")
    figure.arrow((630, 518), (660, 518), kind="back")
    figure.box(660, 490, 120, 56, "weights", "Adam", kind="weights")

    figure.text(20, 588, "Inference (Algorithm 2): weights frozen", "title", "start")
    figure.box(20, 604, 140, 56, "a data set", "no labels")
    figure.arrow((160, 632), (190, 632))
    figure.box(190, 604, 120, 56, "preprocessing", "principal axes")
    figure.arrow((310, 632), (340, 632))
    figure.box(340, 604, 160, 56, "E epochs \u00d7 M orders", "adapt", kind="carry")
    figure.arrow((500, 632), (530, 632))
    figure.box(530, 604, 100, 56, "M carries", "aligned", kind="carry")
    figure.arrow((630, 632), (660, 632))
    figure.box(660, 604, 120, 56, "any point", "predict: p(k | x)")
    figure.save("recurrent")


if __name__ == "__main__":
    main()
