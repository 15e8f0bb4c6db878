import torch


def test_takes_bottoms_and_has_no_tops(build):
    layer = build('type: "Silence"', (2, 3), (4,), tops=0)
    assert layer.shapes == []
    assert layer(torch.ones(2, 3), torch.ones(4)) == ()


def test_a_top_is_refused(rejects):
    rejects("takes 0 tops, not 1", '"t0"', 'type: "Silence"', (2,))
