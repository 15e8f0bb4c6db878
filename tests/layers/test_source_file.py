from netspec.errors import DataError

LISTS = {
    "Data": "data_param",
    "HDF5Data": "hdf5_data_param",
    "WindowData": "transform_param { crop_size: 4 } window_data_param",
    "ImageSegData": "image_data_param",
}


def test_a_source_that_is_not_there(rejects):
    for type, param in LISTS.items():
        text = f'type: "{type}" {param} {{ batch_size: 1 source: "none" }}'
        rejects("no such file: 'none'", '"none"', text, tops=2, error=DataError)


def test_a_source_that_is_not_named(rejects):
    for type, param in LISTS.items():
        text = f'type: "{type}" {param} {{ batch_size: 1 }}'
        rejects("source is missing", param.rpartition(" ")[2], text, tops=2)


def test_a_batch_has_a_size(rejects):
    for type, param in LISTS.items():
        text = f'type: "{type}" {param} {{ batch_size: 0 source: "none" }}'
        rejects("batch_size", "0", text, tops=2)
