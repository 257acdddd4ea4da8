"""The demo prints its table and draws its picture."""

from l2c_jax import demo


def test_the_demo_prints_a_row_for_each_data_set_and_draws(tmp_path):
    lines: list[str] = []
    demo.run(tmp_path / "demo.png", lines.append)
    text = "\n".join(lines)
    for name in ("Iris", "Wine, standardised", "Breast cancer, standardised"):
        assert f"\n{name}" in text
    assert "chosen by the error on Iris" in text
    assert (tmp_path / "demo.png").stat().st_size > 50_000
