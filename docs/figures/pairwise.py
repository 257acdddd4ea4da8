"""The pairwise learner: similarity from labeled classes, clusters of other classes."""

from svg import Figure


def main() -> None:
    """Draw."""
    figure = Figure(800, 560, "The pairwise learner")
    figure.text(20, 28, "1. Learn the similarity G on labeled classes", "title", "start")
    figure.box(20, 46, 120, 56, "points a, b", "classes known")
    figure.arrow((140, 64), (180, 64))
    figure.arrow((140, 84), (180, 84))
    figure.box(180, 46, 130, 56, "backbone", "features f_{a}, f_{b}", kind="weights")
    figure.arrow((310, 74), (350, 74))
    figure.box(350, 46, 150, 56, "pair head", "relu(W_{a}f_{a} + W_{b}f_{b})", kind="weights")
    figure.arrow((500, 74), (540, 74))
    figure.box(540, 46, 100, 56, "G(a, b)", "P(same)")
    figure.arrow((680, 74), (640, 74), kind="back")
    figure.box(680, 46, 100, 56, "[y_{a} = y_{b}]", "target")
    figure.text(400, 124, "cross-entropy over all pairs of an episode", "small")

    figure.text(20, 170, "2. Predict the similarity of all pairs of new points", "title", "start")
    figure.box(20, 188, 120, 84, "new points", "other classes", "no labels")
    figure.arrow((140, 230), (180, 230))
    figure.box(180, 202, 130, 56, "G, frozen", "batch norm adapts", kind="weights")
    figure.arrow((310, 230), (350, 230))
    cell, same = 14, {0: (0, 2, 3), 1: (1, 4), 5: (5,)}
    group = {point: name for name, points in same.items() for point in points}
    for i in range(6):
        for j in range(6):
            kind = "carry" if group[i] == group[j] else "box"
            figure.parts.append(
                f'<rect class="l2c-{kind}" x="{362 + cell * j}" y="{188 + cell * i}" '
                f'width="{cell}" height="{cell}"/>'
            )
    figure.text(404, 292, "S: pairs with G > 1/2", "small")

    figure.text(20, 344, "3. Train a clustering network on the new points", "title", "start")
    figure.box(20, 362, 120, 56, "new points", "a batch")
    figure.arrow((140, 390), (180, 390))
    figure.box(180, 362, 130, 56, "network", "K outputs", kind="weights")
    figure.arrow((310, 390), (350, 390))
    figure.box(350, 362, 150, 56, "p(k | x)", "one row per point")
    figure.arrow((500, 390), (540, 390))
    figure.box(540, 362, 120, 56, "all pairs", "p_{i} against p_{j}")
    figure.arrow((700, 390), (660, 390), kind="back")
    figure.box(700, 362, 80, 56, "S_{ij}", "target")
    figure.arrow((448, 230), (740, 230), (740, 362))
    figure.text(
        400,
        442,
        "MCL: -log p_{i}·p_{j} if similar, -log(1 - p_{i}·p_{j}) if not.   "
        "KCL: KL(p_{j} ‖ p_{i}) if similar, max(0, 2 - KL) if not.",
        "small",
    )
    figure.box(350, 476, 150, 56, "clusters", "argmax of p(k | x)", kind="carry")
    figure.arrow((425, 452), (425, 476))
    figure.text(520, 508, "unused outputs stay empty", "small", "start")
    figure.save("pairwise")


if __name__ == "__main__":
    main()
