import numpy as np
import pytest


@pytest.mark.parametrize(
    ("param", "base", "scale", "shift"),
    [
        ("", np.e, 1, 0),
        ("base: -1 scale: 2 shift: -0.5", np.e, 2, -0.5),
        ("base: 2", 2, 1, 0),
        ("base: 10 scale: 0.25 shift: 4", 10, 0.25, 4),
        ("base: 0.5 shift: 1", 0.5, 1, 1),
    ],
)
class TestValuesAndGradient:
    def test_exp(self, build, gradcheck, randn, param, base, scale, shift):
        layer, x = build(f'type: "Exp" exp_param {{ {param} }}', (2, 3)), randn(2, 3)
        np.testing.assert_allclose(layer(x).detach(), base ** (shift + scale * x.detach().numpy()))
        gradcheck(layer, x)

    def test_log(self, build, gradcheck, randn, param, base, scale, shift):
        layer = build(f'type: "Log" log_param {{ {param} }}', (2, 3))
        x = (randn(2, 3).detach().abs() + 0.5).requires_grad_()
        expected = np.log(shift + scale * x.detach().numpy()) / np.log(base)
        np.testing.assert_allclose(layer(x).detach(), expected)
        gradcheck(layer, x)


def test_powers_of_one_are_one(build, randn):
    assert build('type: "Exp" exp_param { base: 1 }', (2, 3))(randn(2, 3)).tolist() == [[1] * 3] * 2


@pytest.mark.parametrize(("type", "field"), [("Exp", "exp_param"), ("Log", "log_param")])
@pytest.mark.parametrize("base", ["0", "-2"])
def test_base_must_be_positive(rejects, type, field, base):
    rejects("expected a base above 0, or -1 for e", base, f'type: "{type}" {field} {{ base: {base} }}', (2,))


def test_no_logarithm_to_the_base_one(rejects):
    rejects("no logarithm to the base 1", "1", 'type: "Log" log_param { base: 1 }', (2,))
