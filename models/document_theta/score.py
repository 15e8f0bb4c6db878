"""How well a net finds pages: `python score.py NET [WEIGHTS]`, where the test scans are.

Of the whole test set, in pixels of a scan: how far the corners of a page are from where the net has them,
and how much of the two quadrilaterals is in both (intersection over union). And, for a net that is not told
where the page lies: how much the middle of a page moves about, in the scans and in what the transformer hands
on; its root mean square distance from its mean place, as a share of the page's mean diagonal.
"""

from __future__ import annotations

import sys

import cv2
import numpy as np

from netspec import pycaffe as caffe

SCANS = 1000
CORNERS = np.array([[-1, -1, 1], [-1, 1, 1], [1, 1, 1], [1, -1, 1]], float)  # row, column, 1


def quadrilaterals(theta):
    """Where maps (N, 6) take the corners of a plane, (N, 4, 2), as rows and columns from -1 to 1."""
    return CORNERS @ theta.reshape(-1, 2, 3).astype(float).transpose(0, 2, 1)


def corner_errors(found, truth, size):
    """Mean distance of corners, (N), on scans of a size, (height, width)."""
    distance = (quadrilaterals(found) - quadrilaterals(truth)) / 2 * size
    return np.hypot(*distance.transpose(2, 0, 1)).mean(1)


def overlaps(found, truth):
    """Intersection over union, (N)."""
    return np.array(
        [overlap(*pair) for pair in zip(quadrilaterals(found), quadrilaterals(truth), strict=True)]
    )


def overlap(one, other):
    hulls = [cv2.convexHull(corners.astype(np.float32)) for corners in (one, other)]
    both = cv2.intersectConvexConvex(*hulls)[0]
    return both / (sum(map(cv2.contourArea, hulls)) - both)


def wandering(corners):
    """How far the middles of pages, (N, 4, 2), are from their mean place, as a share of the diagonal."""
    middles = corners.mean(1)
    away = np.linalg.norm(middles - middles.mean(0), axis=1)
    diagonals = np.linalg.norm(corners[:, :2] - corners[:, 2:], axis=2)
    return np.sqrt((away**2).mean()) / diagonals.mean()


def handed_on(found, truth):
    """Where the corners of the page are in what a transformer with these maps makes of the scans."""
    maps = found.reshape(-1, 2, 3).astype(float)
    away = quadrilaterals(truth) - maps[:, None, :, 2]
    return away @ np.linalg.inv(maps[:, :, :2]).transpose(0, 2, 1)


def observed(net):
    """Maps that the net found, and the true ones, (N, 6)."""
    rows = []
    for _ in range(-(-SCANS // net.blobs["data"].num)):
        net.forward()
        rows.append([net.blobs[name].data.copy() for name in ("found", "theta")])
    return [np.concatenate(column)[:SCANS] for column in zip(*rows, strict=True)]


def main():
    net = caffe.Net(sys.argv[1], *sys.argv[2:], caffe.TEST)
    found, truth = observed(net)
    size = net.blobs["data"].data.shape[2:]
    errors, shared = corner_errors(found, truth, size), overlaps(found, truth)
    print(f"corners: {errors.mean():.2f} pixels off ({np.quantile(errors, 0.95):.2f} for the worst 5 %)")
    print(f"intersection over union: {shared.mean():.3f} ({np.quantile(shared, 0.05):.3f})")
    moves = wandering(quadrilaterals(truth)), wandering(handed_on(found, truth))
    print("pages move about by {:.1%} of their size, {:.1%} in what is handed on".format(*moves))


if __name__ == "__main__":
    main()
