"""What theta does: a spatial transformer looks at an image through a window that slides along the diagonal.

    python -m netspec.pycaffe models/theta_playground/playground.py [--image FILE] [--scale 0.5]

The script knows pycaffe alone, and runs with any that has a SpatialTransformer. Without an image it draws
one.
"""

import argparse
from pathlib import Path

import caffe
import cv2
import numpy as np

HERE = Path(__file__).resolve().parent
STEPS = 9
GAP = 4
FRAME = (40, 120, 255)  # BGR


def drawn(size):
    """A chequered plane, brighter to the lower right, with a digit in the middle; BGR from 0 to 255."""
    rows, columns = np.mgrid[:size, :size]
    chequer = (rows * 6 // size + columns * 6 // size) % 2
    light = (rows + columns) / (2.0 * size)
    image = np.stack([90 + 100 * light, 60 + 60 * chequer, 40 + 50 * (1 - light)], axis=-1)
    image = np.ascontiguousarray(image.astype(np.uint8))
    (width, height), _ = cv2.getTextSize("5", cv2.FONT_HERSHEY_SIMPLEX, 2.6, 7)
    place = ((size - width) // 2, (size + height) // 2)
    cv2.putText(image, "5", place, cv2.FONT_HERSHEY_SIMPLEX, 2.6, (245, 245, 245), 7, cv2.LINE_AA)
    return image


def read(path, size):
    image = cv2.imread(path, cv2.IMREAD_COLOR)
    if image is None:
        raise SystemExit(f"cannot read the image '{path}'")
    side = min(image.shape[:2])
    top, left = ((length - side) // 2 for length in image.shape[:2])
    return cv2.resize(image[top : top + side, left : left + side], (size, size), interpolation=cv2.INTER_AREA)


def image_of(blob):
    """A blob (1, 3, H, W) as an image (H, W, 3)."""
    return blob.data[0].transpose(1, 2, 0).clip(0, 255).astype(np.uint8)


def framed(image, scale, shift):
    """The image with the window that the transformer samples: rows and columns run from -1 to 1."""
    height, width = image.shape[:2]
    top, bottom = ((shift + side * scale + 1) / 2 * height for side in (-1, 1))
    left, right = ((shift + side * scale + 1) / 2 * width for side in (-1, 1))
    corners = np.array([[left, top], [right, top], [right, bottom], [left, bottom]])
    return cv2.polylines(image.copy(), [corners.round().astype(np.int32)], True, FRAME, 2, cv2.LINE_AA)


def side_by_side(tiles, axis):
    """Tiles with white gaps between them."""
    shape = list(tiles[0].shape)
    shape[axis] = GAP
    gap = np.full(shape, 255, np.uint8)
    return np.concatenate([part for tile in tiles for part in (tile, gap)][:-1], axis=axis)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--image", help="an image to look at, cut to its middle square")
    parser.add_argument("--scale", type=float, default=0.5, help="size of the window, 1 is the whole image")
    parser.add_argument("--out", default=HERE / "strip.png", type=Path)
    args = parser.parse_args()

    net = caffe.Net(str(HERE / "playground.prototxt"), caffe.TEST)
    size = net.blobs["data"].height
    image = read(args.image, size) if args.image else drawn(size)
    net.blobs["data"].data[...] = image.transpose(2, 0, 1)

    windows, views = [], []
    for shift in np.linspace(-0.8, 0.8, STEPS):
        # Two rows of three: what makes the row of a sampled point, then what makes its column.
        net.blobs["theta"].data[...] = [args.scale, 0, shift, 0, args.scale, shift]
        net.forward()
        windows.append(framed(image, args.scale, shift))
        views.append(image_of(net.blobs["transformed"]))
    strip = side_by_side([side_by_side(windows, 1), side_by_side(views, 1)], 0)
    cv2.imwrite(str(args.out), strip)
    print(f"{STEPS} translations along the diagonal: {args.out}")


if __name__ == "__main__":
    main()
