"""A captioner: words and an image's features go into an LSTM, each step's output names the next word."""

import torch

WORDS, STEPS, BATCH = 8801, 20, 2


def captioner(text, width=1000):
    text.inputs(words=(STEPS, BATCH), goes_on=(STEPS, BATCH), image=(BATCH, 4096), next_word=(STEPS, BATCH))
    embed = f"embed_param {{ input_dim: {WORDS} num_output: {width} bias_term: false {text.FILLER} }}"
    recurrent = f"recurrent_param {{ num_output: {width} {text.FILLER} }}"
    x = text.layer("Embed", "embedded", "words", more=embed)
    x = text.layer("LSTM", "lstm1", [x, "goes_on"], more=recurrent)
    image = text.fc("image_features", "image", width)
    x = text.layer("LSTM", "lstm2", [x, "goes_on", image], more=recurrent)
    scores = text.fc("scores", x, WORDS, more="axis: 2")
    loss = "loss_weight: 20 softmax_param { axis: 2 } loss_param { ignore_label: -1 }"
    text.layer("SoftmaxWithLoss", "loss", [scores, "next_word"], more=loss)
    accuracy = "accuracy_param { axis: 2 ignore_label: -1 }"
    text.layer("Accuracy", "accuracy", [scores, "next_word"], more=accuracy)
    return text


def sentences(lengths):
    """What goes in and what is to come out at each step; 0 begins and ends a sentence, -1 does not count."""
    words, targets = torch.zeros(2, STEPS, BATCH)
    goes_on = torch.zeros(STEPS, BATCH)
    targets -= 1
    for column, length in enumerate(lengths):
        spoken = torch.arange(1, length + 1).float()
        words[1 : length + 1, column] = spoken
        goes_on[1 : length + 1, column] = 1
        targets[:length, column] = spoken
        targets[length, column] = 0
    return {"words": words, "goes_on": goes_on, "next_word": targets}


def test_captioner(write, shapes_of, train):
    blobs, count = shapes_of(captioner(write()))
    assert blobs["embedded"] == blobs["lstm1"] == blobs["lstm2"] == (STEPS, BATCH, 1000)
    assert blobs["scores"] == (STEPS, BATCH, WORDS)
    gates = 4 * 1000
    image = 4096 * 1000 + 1000
    lstm1, lstm2 = gates * (2 * 1000 + 1), gates * (3 * 1000 + 1)
    assert count == WORDS * 1000 + image + lstm1 + lstm2 + WORDS * 1001
    net, out = train(captioner(write(), width=100), **sentences([5, 19]))
    assert 0 <= out["accuracy"].item() <= 1
    grad = net.params["embedded"][0].grad
    assert grad[:20].any(dim=1).all()
    assert not grad[20:].any()


def test_what_follows_a_sentence_does_not_count(write, train):
    fed = sentences([5, 19])
    fed["image"] = torch.ones(BATCH, 4096)
    _, out = train(captioner(write(), width=20), **fed)
    fed["words"][6:, 0] = 77
    _, other = train(captioner(write(), width=20), **fed)
    assert out["loss"].item() == other["loss"].item()
