"""Types of the message classes. Written by tools/build_schema.py from proto/netspec.proto: do not edit."""

from abc import ABCMeta
from collections.abc import Iterable, Mapping, MutableSequence, Sequence
from typing import Any, ClassVar, TypeVar

from typing_extensions import Self

_T = TypeVar("_T")
_M = TypeVar("_M", bound=Message)

class Message:
    DESCRIPTOR: ClassVar[Any]
    @classmethod
    def FromString(cls, data: bytes, /) -> Self: ...
    def CopyFrom(self, other: Self, /) -> None: ...
    def MergeFrom(self, other: Self, /) -> None: ...
    def Clear(self) -> None: ...
    def HasField(self, field_name: str, /) -> bool: ...
    def ClearField(self, field_name: str, /) -> None: ...
    def SetInParent(self) -> None: ...
    def ListFields(self) -> list[tuple[Any, Any]]: ...
    def ByteSize(self) -> int: ...
    def SerializeToString(self, *, deterministic: bool = ...) -> bytes: ...
    def SerializePartialToString(self, *, deterministic: bool = ...) -> bytes: ...
    def ParseFromString(self, data: bytes, /) -> int: ...
    def MergeFromString(self, data: bytes, /) -> int: ...
    def IsInitialized(self) -> bool: ...
    def FindInitializationErrors(self) -> list[str]: ...

class Repeated(MutableSequence[_T], metaclass=ABCMeta):
    def MergeFrom(self, other: Iterable[_T], /) -> None: ...

class RepeatedMessages(Sequence[_M], metaclass=ABCMeta):
    def add(self, **fields: Any) -> _M: ...
    def append(self, message: _M, /) -> None: ...
    def insert(self, index: int, message: _M, /) -> None: ...
    def extend(self, messages: Iterable[_M], /) -> None: ...
    def MergeFrom(self, other: Iterable[_M], /) -> None: ...
    def pop(self, index: int = ..., /) -> _M: ...
    def remove(self, message: _M, /) -> None: ...
    def __delitem__(self, index: int | slice, /) -> None: ...

class EnumType:
    DESCRIPTOR: Any
    def Name(self, number: int) -> str: ...
    def Value(self, name: str) -> int: ...
    def keys(self) -> list[str]: ...
    def values(self) -> list[int]: ...
    def items(self) -> list[tuple[str, int]]: ...

Phase: EnumType
TRAIN: int
TEST: int

Type: EnumType
DOUBLE: int
FLOAT: int
FLOAT16: int
INT: int
UINT: int

Packing: EnumType
NCHW: int
NHWC: int

class BlobShape(Message):
    @property
    def dim(self) -> Repeated[int]: ...
    def __init__(
        self,
        *,
        dim: Iterable[int] | None = ...,
    ) -> None: ...

class BlobProto(Message):
    @property
    def shape(self) -> BlobShape: ...
    @property
    def data(self) -> Repeated[float]: ...
    @property
    def diff(self) -> Repeated[float]: ...
    @property
    def double_data(self) -> Repeated[float]: ...
    @property
    def double_diff(self) -> Repeated[float]: ...
    num: int
    channels: int
    height: int
    width: int
    raw_data_type: int
    raw_diff_type: int
    raw_data: bytes
    raw_diff: bytes
    def __init__(
        self,
        *,
        shape: BlobShape | Mapping[str, Any] | None = ...,
        data: Iterable[float] | None = ...,
        diff: Iterable[float] | None = ...,
        double_data: Iterable[float] | None = ...,
        double_diff: Iterable[float] | None = ...,
        num: int | None = ...,
        channels: int | None = ...,
        height: int | None = ...,
        width: int | None = ...,
        raw_data_type: int | str | None = ...,
        raw_diff_type: int | str | None = ...,
        raw_data: bytes | None = ...,
        raw_diff: bytes | None = ...,
    ) -> None: ...

class BlobProtoVector(Message):
    @property
    def blobs(self) -> RepeatedMessages[BlobProto]: ...
    def __init__(
        self,
        *,
        blobs: Iterable[BlobProto | Mapping[str, Any]] | None = ...,
    ) -> None: ...

class Datum(Message):
    channels: int
    height: int
    width: int
    data: bytes
    @property
    def float_data(self) -> Repeated[float]: ...
    label: int
    encoded: bool
    record_id: int
    def __init__(
        self,
        *,
        channels: int | None = ...,
        height: int | None = ...,
        width: int | None = ...,
        data: bytes | None = ...,
        float_data: Iterable[float] | None = ...,
        label: int | None = ...,
        encoded: bool | None = ...,
        record_id: int | None = ...,
    ) -> None: ...

class FillerParameter(Message):
    VarianceNorm: ClassVar[EnumType]
    FAN_IN: ClassVar[int]
    FAN_OUT: ClassVar[int]
    AVERAGE: ClassVar[int]
    type: str
    value: float
    min: float
    max: float
    mean: float
    std: float
    sparse: int
    variance_norm: int
    file: str
    def __init__(
        self,
        *,
        type: str | None = ...,
        value: float | None = ...,
        min: float | None = ...,
        max: float | None = ...,
        mean: float | None = ...,
        std: float | None = ...,
        sparse: int | None = ...,
        variance_norm: int | str | None = ...,
        file: str | None = ...,
    ) -> None: ...

class NetParameter(Message):
    name: str
    @property
    def layer(self) -> RepeatedMessages[LayerParameter]: ...
    @property
    def state(self) -> NetState: ...
    force_backward: bool
    debug_info: bool
    @property
    def input(self) -> Repeated[str]: ...
    @property
    def input_shape(self) -> RepeatedMessages[BlobShape]: ...
    @property
    def input_dim(self) -> Repeated[int]: ...
    @property
    def layers(self) -> RepeatedMessages[V1LayerParameter]: ...
    default_forward_type: int
    default_backward_type: int
    default_forward_math: int
    default_backward_math: int
    global_grad_scale: float
    global_grad_scale_adaptive: bool
    default_conv_algos_override: str
    reduce_buckets: int
    default_cudnn_math_override: int
    eltwise_mem_sharing: bool
    def __init__(
        self,
        *,
        name: str | None = ...,
        layer: Iterable[LayerParameter | Mapping[str, Any]] | None = ...,
        state: NetState | Mapping[str, Any] | None = ...,
        force_backward: bool | None = ...,
        debug_info: bool | None = ...,
        input: Iterable[str] | None = ...,
        input_shape: Iterable[BlobShape | Mapping[str, Any]] | None = ...,
        input_dim: Iterable[int] | None = ...,
        layers: Iterable[V1LayerParameter | Mapping[str, Any]] | None = ...,
        default_forward_type: int | str | None = ...,
        default_backward_type: int | str | None = ...,
        default_forward_math: int | str | None = ...,
        default_backward_math: int | str | None = ...,
        global_grad_scale: float | None = ...,
        global_grad_scale_adaptive: bool | None = ...,
        default_conv_algos_override: str | None = ...,
        reduce_buckets: int | None = ...,
        default_cudnn_math_override: int | None = ...,
        eltwise_mem_sharing: bool | None = ...,
    ) -> None: ...

class NetState(Message):
    phase: int
    level: int
    @property
    def stage(self) -> Repeated[str]: ...
    def __init__(
        self,
        *,
        phase: int | str | None = ...,
        level: int | None = ...,
        stage: Iterable[str] | None = ...,
    ) -> None: ...

class NetStateRule(Message):
    phase: int
    min_level: int
    max_level: int
    @property
    def stage(self) -> Repeated[str]: ...
    @property
    def not_stage(self) -> Repeated[str]: ...
    def __init__(
        self,
        *,
        phase: int | str | None = ...,
        min_level: int | None = ...,
        max_level: int | None = ...,
        stage: Iterable[str] | None = ...,
        not_stage: Iterable[str] | None = ...,
    ) -> None: ...

class ParamSpec(Message):
    DimCheckMode: ClassVar[EnumType]
    STRICT: ClassVar[int]
    PERMISSIVE: ClassVar[int]
    name: str
    share_mode: int
    lr_mult: float
    decay_mult: float
    def __init__(
        self,
        *,
        name: str | None = ...,
        share_mode: int | str | None = ...,
        lr_mult: float | None = ...,
        decay_mult: float | None = ...,
    ) -> None: ...

class LayerParameter(Message):
    name: str
    type: str
    @property
    def bottom(self) -> Repeated[str]: ...
    @property
    def top(self) -> Repeated[str]: ...
    @property
    def include(self) -> RepeatedMessages[NetStateRule]: ...
    @property
    def exclude(self) -> RepeatedMessages[NetStateRule]: ...
    phase: int
    @property
    def loss_weight(self) -> Repeated[float]: ...
    @property
    def param(self) -> RepeatedMessages[ParamSpec]: ...
    @property
    def propagate_down(self) -> Repeated[bool]: ...
    @property
    def blobs(self) -> RepeatedMessages[BlobProto]: ...
    @property
    def transform_param(self) -> TransformationParameter: ...
    @property
    def annotated_data_param(self) -> AnnotatedDataParameter: ...
    @property
    def cluttered_digits_param(self) -> ClutteredDigitsParameter: ...
    @property
    def data_param(self) -> DataParameter: ...
    @property
    def dummy_data_param(self) -> DummyDataParameter: ...
    @property
    def hdf5_data_param(self) -> HDF5DataParameter: ...
    @property
    def image_data_param(self) -> ImageDataParameter: ...
    @property
    def input_param(self) -> InputParameter: ...
    @property
    def memory_data_param(self) -> MemoryDataParameter: ...
    @property
    def window_data_param(self) -> WindowDataParameter: ...
    @property
    def parameter_param(self) -> ParameterParameter: ...
    @property
    def video_data_param(self) -> VideoDataParameter: ...
    @property
    def bias_param(self) -> BiasParameter: ...
    @property
    def convolution_param(self) -> ConvolutionParameter: ...
    @property
    def embed_param(self) -> EmbedParameter: ...
    @property
    def inner_product_param(self) -> InnerProductParameter: ...
    @property
    def prelu_param(self) -> PReLUParameter: ...
    @property
    def scale_param(self) -> ScaleParameter: ...
    @property
    def recurrent_param(self) -> RecurrentParameter: ...
    @property
    def lstm_param(self) -> LSTMParameter: ...
    @property
    def repeat_param(self) -> RepeatParameter: ...
    @property
    def st_param(self) -> SpatialTransformerParameter: ...
    @property
    def spatial_transformer_param(self) -> SampledTransformerParameter: ...
    @property
    def st_loss_param(self) -> STLossParameter: ...
    @property
    def loc_loss_param(self) -> LocLossParameter: ...
    @property
    def power_file_param(self) -> PowerFileParameter: ...
    @property
    def coordinates_param(self) -> CoordinatesParameter: ...
    @property
    def batch_norm_param(self) -> BatchNormParameter: ...
    @property
    def lrn_param(self) -> LRNParameter: ...
    @property
    def mvn_param(self) -> MVNParameter: ...
    @property
    def contrastive_normalization_param(self) -> ContrastiveNormalizationParameter: ...
    @property
    def bn_param(self) -> BNParameter: ...
    @property
    def norm_param(self) -> NormalizeParameter: ...
    @property
    def pooling_param(self) -> PoolingParameter: ...
    @property
    def spp_param(self) -> SPPParameter: ...
    @property
    def clip_param(self) -> ClipParameter: ...
    @property
    def dropout_param(self) -> DropoutParameter: ...
    @property
    def eltwise_param(self) -> EltwiseParameter: ...
    @property
    def elu_param(self) -> ELUParameter: ...
    @property
    def exp_param(self) -> ExpParameter: ...
    @property
    def log_param(self) -> LogParameter: ...
    @property
    def power_param(self) -> PowerParameter: ...
    @property
    def relu_param(self) -> ReLUParameter: ...
    @property
    def sigmoid_param(self) -> SigmoidParameter: ...
    @property
    def swish_param(self) -> SwishParameter: ...
    @property
    def tanh_param(self) -> TanHParameter: ...
    @property
    def threshold_param(self) -> ThresholdParameter: ...
    @property
    def argmax_param(self) -> ArgMaxParameter: ...
    @property
    def concat_param(self) -> ConcatParameter: ...
    @property
    def crop_param(self) -> CropParameter: ...
    @property
    def flatten_param(self) -> FlattenParameter: ...
    @property
    def reduction_param(self) -> ReductionParameter: ...
    @property
    def reshape_param(self) -> ReshapeParameter: ...
    @property
    def slice_param(self) -> SliceParameter: ...
    @property
    def tile_param(self) -> TileParameter: ...
    @property
    def interp_param(self) -> InterpParameter: ...
    @property
    def permute_param(self) -> PermuteParameter: ...
    @property
    def reorg_param(self) -> ReorgParameter: ...
    @property
    def shuffle_channel_param(self) -> ShuffleChannelParameter: ...
    @property
    def upsample_param(self) -> UpsampleParameter: ...
    @property
    def detection_evaluate_param(self) -> DetectionEvaluateParameter: ...
    @property
    def detection_output_param(self) -> DetectionOutputParameter: ...
    @property
    def multibox_loss_param(self) -> MultiBoxLossParameter: ...
    @property
    def prior_box_param(self) -> PriorBoxParameter: ...
    @property
    def roi_pooling_param(self) -> ROIPoolingParameter: ...
    @property
    def psroi_pooling_param(self) -> PSROIPoolingParameter: ...
    @property
    def smooth_l1_loss_param(self) -> SmoothL1LossParameter: ...
    @property
    def detectnet_groundtruth_param(self) -> DetectNetGroundTruthParameter: ...
    @property
    def detectnet_augmentation_param(self) -> DetectNetAugmentationParameter: ...
    @property
    def adaptive_bias_channel_param(self) -> AdaptiveBiasChannelParameter: ...
    @property
    def bias_channel_param(self) -> BiasChannelParameter: ...
    @property
    def dense_crf_param(self) -> DenseCRFParameter: ...
    @property
    def domain_transform_param(self) -> DomainTransformParameter: ...
    @property
    def mat_read_param(self) -> MatReadParameter: ...
    @property
    def mat_write_param(self) -> MatWriteParameter: ...
    @property
    def seg_accuracy_param(self) -> SegAccuracyParameter: ...
    @property
    def unique_label_param(self) -> UniqueLabelParameter: ...
    @property
    def loss_param(self) -> LossParameter: ...
    @property
    def accuracy_param(self) -> AccuracyParameter: ...
    @property
    def contrastive_loss_param(self) -> ContrastiveLossParameter: ...
    @property
    def hinge_loss_param(self) -> HingeLossParameter: ...
    @property
    def infogain_loss_param(self) -> InfogainLossParameter: ...
    @property
    def softmax_param(self) -> SoftmaxParameter: ...
    @property
    def hdf5_output_param(self) -> HDF5OutputParameter: ...
    @property
    def python_param(self) -> PythonParameter: ...
    @property
    def trt_param(self) -> TRTParameter: ...
    forward_type: int
    backward_type: int
    forward_math: int
    backward_math: int
    debug: bool
    cudnn_math_override: int
    Extensions: Any
    def __init__(
        self,
        *,
        name: str | None = ...,
        type: str | None = ...,
        bottom: Iterable[str] | None = ...,
        top: Iterable[str] | None = ...,
        include: Iterable[NetStateRule | Mapping[str, Any]] | None = ...,
        exclude: Iterable[NetStateRule | Mapping[str, Any]] | None = ...,
        phase: int | str | None = ...,
        loss_weight: Iterable[float] | None = ...,
        param: Iterable[ParamSpec | Mapping[str, Any]] | None = ...,
        propagate_down: Iterable[bool] | None = ...,
        blobs: Iterable[BlobProto | Mapping[str, Any]] | None = ...,
        transform_param: TransformationParameter | Mapping[str, Any] | None = ...,
        annotated_data_param: AnnotatedDataParameter | Mapping[str, Any] | None = ...,
        cluttered_digits_param: ClutteredDigitsParameter | Mapping[str, Any] | None = ...,
        data_param: DataParameter | Mapping[str, Any] | None = ...,
        dummy_data_param: DummyDataParameter | Mapping[str, Any] | None = ...,
        hdf5_data_param: HDF5DataParameter | Mapping[str, Any] | None = ...,
        image_data_param: ImageDataParameter | Mapping[str, Any] | None = ...,
        input_param: InputParameter | Mapping[str, Any] | None = ...,
        memory_data_param: MemoryDataParameter | Mapping[str, Any] | None = ...,
        window_data_param: WindowDataParameter | Mapping[str, Any] | None = ...,
        parameter_param: ParameterParameter | Mapping[str, Any] | None = ...,
        video_data_param: VideoDataParameter | Mapping[str, Any] | None = ...,
        bias_param: BiasParameter | Mapping[str, Any] | None = ...,
        convolution_param: ConvolutionParameter | Mapping[str, Any] | None = ...,
        embed_param: EmbedParameter | Mapping[str, Any] | None = ...,
        inner_product_param: InnerProductParameter | Mapping[str, Any] | None = ...,
        prelu_param: PReLUParameter | Mapping[str, Any] | None = ...,
        scale_param: ScaleParameter | Mapping[str, Any] | None = ...,
        recurrent_param: RecurrentParameter | Mapping[str, Any] | None = ...,
        lstm_param: LSTMParameter | Mapping[str, Any] | None = ...,
        repeat_param: RepeatParameter | Mapping[str, Any] | None = ...,
        st_param: SpatialTransformerParameter | Mapping[str, Any] | None = ...,
        spatial_transformer_param: SampledTransformerParameter | Mapping[str, Any] | None = ...,
        st_loss_param: STLossParameter | Mapping[str, Any] | None = ...,
        loc_loss_param: LocLossParameter | Mapping[str, Any] | None = ...,
        power_file_param: PowerFileParameter | Mapping[str, Any] | None = ...,
        coordinates_param: CoordinatesParameter | Mapping[str, Any] | None = ...,
        batch_norm_param: BatchNormParameter | Mapping[str, Any] | None = ...,
        lrn_param: LRNParameter | Mapping[str, Any] | None = ...,
        mvn_param: MVNParameter | Mapping[str, Any] | None = ...,
        contrastive_normalization_param: ContrastiveNormalizationParameter | Mapping[str, Any] | None = ...,
        bn_param: BNParameter | Mapping[str, Any] | None = ...,
        norm_param: NormalizeParameter | Mapping[str, Any] | None = ...,
        pooling_param: PoolingParameter | Mapping[str, Any] | None = ...,
        spp_param: SPPParameter | Mapping[str, Any] | None = ...,
        clip_param: ClipParameter | Mapping[str, Any] | None = ...,
        dropout_param: DropoutParameter | Mapping[str, Any] | None = ...,
        eltwise_param: EltwiseParameter | Mapping[str, Any] | None = ...,
        elu_param: ELUParameter | Mapping[str, Any] | None = ...,
        exp_param: ExpParameter | Mapping[str, Any] | None = ...,
        log_param: LogParameter | Mapping[str, Any] | None = ...,
        power_param: PowerParameter | Mapping[str, Any] | None = ...,
        relu_param: ReLUParameter | Mapping[str, Any] | None = ...,
        sigmoid_param: SigmoidParameter | Mapping[str, Any] | None = ...,
        swish_param: SwishParameter | Mapping[str, Any] | None = ...,
        tanh_param: TanHParameter | Mapping[str, Any] | None = ...,
        threshold_param: ThresholdParameter | Mapping[str, Any] | None = ...,
        argmax_param: ArgMaxParameter | Mapping[str, Any] | None = ...,
        concat_param: ConcatParameter | Mapping[str, Any] | None = ...,
        crop_param: CropParameter | Mapping[str, Any] | None = ...,
        flatten_param: FlattenParameter | Mapping[str, Any] | None = ...,
        reduction_param: ReductionParameter | Mapping[str, Any] | None = ...,
        reshape_param: ReshapeParameter | Mapping[str, Any] | None = ...,
        slice_param: SliceParameter | Mapping[str, Any] | None = ...,
        tile_param: TileParameter | Mapping[str, Any] | None = ...,
        interp_param: InterpParameter | Mapping[str, Any] | None = ...,
        permute_param: PermuteParameter | Mapping[str, Any] | None = ...,
        reorg_param: ReorgParameter | Mapping[str, Any] | None = ...,
        shuffle_channel_param: ShuffleChannelParameter | Mapping[str, Any] | None = ...,
        upsample_param: UpsampleParameter | Mapping[str, Any] | None = ...,
        detection_evaluate_param: DetectionEvaluateParameter | Mapping[str, Any] | None = ...,
        detection_output_param: DetectionOutputParameter | Mapping[str, Any] | None = ...,
        multibox_loss_param: MultiBoxLossParameter | Mapping[str, Any] | None = ...,
        prior_box_param: PriorBoxParameter | Mapping[str, Any] | None = ...,
        roi_pooling_param: ROIPoolingParameter | Mapping[str, Any] | None = ...,
        psroi_pooling_param: PSROIPoolingParameter | Mapping[str, Any] | None = ...,
        smooth_l1_loss_param: SmoothL1LossParameter | Mapping[str, Any] | None = ...,
        detectnet_groundtruth_param: DetectNetGroundTruthParameter | Mapping[str, Any] | None = ...,
        detectnet_augmentation_param: DetectNetAugmentationParameter | Mapping[str, Any] | None = ...,
        adaptive_bias_channel_param: AdaptiveBiasChannelParameter | Mapping[str, Any] | None = ...,
        bias_channel_param: BiasChannelParameter | Mapping[str, Any] | None = ...,
        dense_crf_param: DenseCRFParameter | Mapping[str, Any] | None = ...,
        domain_transform_param: DomainTransformParameter | Mapping[str, Any] | None = ...,
        mat_read_param: MatReadParameter | Mapping[str, Any] | None = ...,
        mat_write_param: MatWriteParameter | Mapping[str, Any] | None = ...,
        seg_accuracy_param: SegAccuracyParameter | Mapping[str, Any] | None = ...,
        unique_label_param: UniqueLabelParameter | Mapping[str, Any] | None = ...,
        loss_param: LossParameter | Mapping[str, Any] | None = ...,
        accuracy_param: AccuracyParameter | Mapping[str, Any] | None = ...,
        contrastive_loss_param: ContrastiveLossParameter | Mapping[str, Any] | None = ...,
        hinge_loss_param: HingeLossParameter | Mapping[str, Any] | None = ...,
        infogain_loss_param: InfogainLossParameter | Mapping[str, Any] | None = ...,
        softmax_param: SoftmaxParameter | Mapping[str, Any] | None = ...,
        hdf5_output_param: HDF5OutputParameter | Mapping[str, Any] | None = ...,
        python_param: PythonParameter | Mapping[str, Any] | None = ...,
        trt_param: TRTParameter | Mapping[str, Any] | None = ...,
        forward_type: int | str | None = ...,
        backward_type: int | str | None = ...,
        forward_math: int | str | None = ...,
        backward_math: int | str | None = ...,
        debug: bool | None = ...,
        cudnn_math_override: int | None = ...,
    ) -> None: ...

class TransformationParameter(Message):
    InterpolationAlgo: ClassVar[EnumType]
    INTER_NEAREST: ClassVar[int]
    INTER_LINEAR: ClassVar[int]
    INTER_CUBIC: ClassVar[int]
    INTER_AREA: ClassVar[int]
    scale: float
    mirror: bool
    crop_size: int
    mean_file: str
    @property
    def mean_value(self) -> Repeated[float]: ...
    force_color: bool
    force_gray: bool
    crop_h: int
    crop_w: int
    @property
    def resize_param(self) -> ResizeParameter: ...
    @property
    def noise_param(self) -> NoiseParameter: ...
    @property
    def distort_param(self) -> DistortionParameter: ...
    @property
    def expand_param(self) -> ExpansionParameter: ...
    @property
    def emit_constraint(self) -> EmitConstraint: ...
    @property
    def scale_factors(self) -> Repeated[float]: ...
    crop_width: int
    crop_height: int
    img_rand_resize_lower: int
    img_rand_resize_upper: int
    rand_resize_ratio_lower: float
    rand_resize_ratio_upper: float
    vertical_stretch_lower: float
    vertical_stretch_upper: float
    horizontal_stretch_lower: float
    horizontal_stretch_upper: float
    interpolation_algo_down: int
    interpolation_algo_up: int
    allow_upscale: bool
    forward_packing: int
    use_gpu_transform: bool
    random_seed: int
    display: bool
    num_labels: int
    def __init__(
        self,
        *,
        scale: float | None = ...,
        mirror: bool | None = ...,
        crop_size: int | None = ...,
        mean_file: str | None = ...,
        mean_value: Iterable[float] | None = ...,
        force_color: bool | None = ...,
        force_gray: bool | None = ...,
        crop_h: int | None = ...,
        crop_w: int | None = ...,
        resize_param: ResizeParameter | Mapping[str, Any] | None = ...,
        noise_param: NoiseParameter | Mapping[str, Any] | None = ...,
        distort_param: DistortionParameter | Mapping[str, Any] | None = ...,
        expand_param: ExpansionParameter | Mapping[str, Any] | None = ...,
        emit_constraint: EmitConstraint | Mapping[str, Any] | None = ...,
        scale_factors: Iterable[float] | None = ...,
        crop_width: int | None = ...,
        crop_height: int | None = ...,
        img_rand_resize_lower: int | None = ...,
        img_rand_resize_upper: int | None = ...,
        rand_resize_ratio_lower: float | None = ...,
        rand_resize_ratio_upper: float | None = ...,
        vertical_stretch_lower: float | None = ...,
        vertical_stretch_upper: float | None = ...,
        horizontal_stretch_lower: float | None = ...,
        horizontal_stretch_upper: float | None = ...,
        interpolation_algo_down: int | str | None = ...,
        interpolation_algo_up: int | str | None = ...,
        allow_upscale: bool | None = ...,
        forward_packing: int | str | None = ...,
        use_gpu_transform: bool | None = ...,
        random_seed: int | None = ...,
        display: bool | None = ...,
        num_labels: int | None = ...,
    ) -> None: ...

class ResizeParameter(Message):
    Resize_mode: ClassVar[EnumType]
    WARP: ClassVar[int]
    FIT_SMALL_SIZE: ClassVar[int]
    FIT_LARGE_SIZE_AND_PAD: ClassVar[int]
    Pad_mode: ClassVar[EnumType]
    CONSTANT: ClassVar[int]
    MIRRORED: ClassVar[int]
    REPEAT_NEAREST: ClassVar[int]
    Interp_mode: ClassVar[EnumType]
    LINEAR: ClassVar[int]
    AREA: ClassVar[int]
    NEAREST: ClassVar[int]
    CUBIC: ClassVar[int]
    LANCZOS4: ClassVar[int]
    prob: float
    resize_mode: int
    height: int
    width: int
    height_scale: int
    width_scale: int
    pad_mode: int
    @property
    def pad_value(self) -> Repeated[float]: ...
    @property
    def interp_mode(self) -> Repeated[int]: ...
    def __init__(
        self,
        *,
        prob: float | None = ...,
        resize_mode: int | str | None = ...,
        height: int | None = ...,
        width: int | None = ...,
        height_scale: int | None = ...,
        width_scale: int | None = ...,
        pad_mode: int | str | None = ...,
        pad_value: Iterable[float] | None = ...,
        interp_mode: Iterable[int | str] | None = ...,
    ) -> None: ...

class SaltPepperParameter(Message):
    fraction: float
    @property
    def value(self) -> Repeated[float]: ...
    def __init__(
        self,
        *,
        fraction: float | None = ...,
        value: Iterable[float] | None = ...,
    ) -> None: ...

class NoiseParameter(Message):
    prob: float
    hist_eq: bool
    inverse: bool
    decolorize: bool
    gauss_blur: bool
    jpeg: float
    posterize: bool
    erode: bool
    saltpepper: bool
    @property
    def saltpepper_param(self) -> SaltPepperParameter: ...
    clahe: bool
    convert_to_hsv: bool
    convert_to_lab: bool
    def __init__(
        self,
        *,
        prob: float | None = ...,
        hist_eq: bool | None = ...,
        inverse: bool | None = ...,
        decolorize: bool | None = ...,
        gauss_blur: bool | None = ...,
        jpeg: float | None = ...,
        posterize: bool | None = ...,
        erode: bool | None = ...,
        saltpepper: bool | None = ...,
        saltpepper_param: SaltPepperParameter | Mapping[str, Any] | None = ...,
        clahe: bool | None = ...,
        convert_to_hsv: bool | None = ...,
        convert_to_lab: bool | None = ...,
    ) -> None: ...

class DistortionParameter(Message):
    brightness_prob: float
    brightness_delta: float
    contrast_prob: float
    contrast_lower: float
    contrast_upper: float
    hue_prob: float
    hue_delta: float
    saturation_prob: float
    saturation_lower: float
    saturation_upper: float
    random_order_prob: float
    def __init__(
        self,
        *,
        brightness_prob: float | None = ...,
        brightness_delta: float | None = ...,
        contrast_prob: float | None = ...,
        contrast_lower: float | None = ...,
        contrast_upper: float | None = ...,
        hue_prob: float | None = ...,
        hue_delta: float | None = ...,
        saturation_prob: float | None = ...,
        saturation_lower: float | None = ...,
        saturation_upper: float | None = ...,
        random_order_prob: float | None = ...,
    ) -> None: ...

class ExpansionParameter(Message):
    prob: float
    max_expand_ratio: float
    def __init__(
        self,
        *,
        prob: float | None = ...,
        max_expand_ratio: float | None = ...,
    ) -> None: ...

class EmitConstraint(Message):
    EmitType: ClassVar[EnumType]
    CENTER: ClassVar[int]
    MIN_OVERLAP: ClassVar[int]
    emit_type: int
    emit_overlap: float
    def __init__(
        self,
        *,
        emit_type: int | str | None = ...,
        emit_overlap: float | None = ...,
    ) -> None: ...

class DataParameter(Message):
    DB: ClassVar[EnumType]
    LEVELDB: ClassVar[int]
    LMDB: ClassVar[int]
    source: str
    backend: int
    batch_size: int
    rand_skip: int
    prefetch: int
    force_encoded_color: bool
    scale: float
    mean_file: str
    crop_size: int
    mirror: bool
    threads: int
    parser_threads: int
    cache: bool
    shuffle: bool
    precache: bool
    def __init__(
        self,
        *,
        source: str | None = ...,
        backend: int | str | None = ...,
        batch_size: int | None = ...,
        rand_skip: int | None = ...,
        prefetch: int | None = ...,
        force_encoded_color: bool | None = ...,
        scale: float | None = ...,
        mean_file: str | None = ...,
        crop_size: int | None = ...,
        mirror: bool | None = ...,
        threads: int | None = ...,
        parser_threads: int | None = ...,
        cache: bool | None = ...,
        shuffle: bool | None = ...,
        precache: bool | None = ...,
    ) -> None: ...

class ImageDataParameter(Message):
    LabelType: ClassVar[EnumType]
    NONE: ClassVar[int]
    IMAGE: ClassVar[int]
    PIXEL: ClassVar[int]
    source: str
    root_folder: str
    batch_size: int
    shuffle: bool
    rand_skip: int
    new_height: int
    new_width: int
    is_color: bool
    scale: float
    mean_file: str
    crop_size: int
    mirror: bool
    ignore_label: int
    label_type: int
    short_side: int
    threads: int
    cache: bool
    precache: bool
    dataset_share_per_node: float
    def __init__(
        self,
        *,
        source: str | None = ...,
        root_folder: str | None = ...,
        batch_size: int | None = ...,
        shuffle: bool | None = ...,
        rand_skip: int | None = ...,
        new_height: int | None = ...,
        new_width: int | None = ...,
        is_color: bool | None = ...,
        scale: float | None = ...,
        mean_file: str | None = ...,
        crop_size: int | None = ...,
        mirror: bool | None = ...,
        ignore_label: int | None = ...,
        label_type: int | str | None = ...,
        short_side: int | None = ...,
        threads: int | None = ...,
        cache: bool | None = ...,
        precache: bool | None = ...,
        dataset_share_per_node: float | None = ...,
    ) -> None: ...

class WindowDataParameter(Message):
    source: str
    root_folder: str
    batch_size: int
    fg_threshold: float
    bg_threshold: float
    fg_fraction: float
    context_pad: int
    crop_mode: str
    cache_images: bool
    scale: float
    mean_file: str
    crop_size: int
    mirror: bool
    def __init__(
        self,
        *,
        source: str | None = ...,
        root_folder: str | None = ...,
        batch_size: int | None = ...,
        fg_threshold: float | None = ...,
        bg_threshold: float | None = ...,
        fg_fraction: float | None = ...,
        context_pad: int | None = ...,
        crop_mode: str | None = ...,
        cache_images: bool | None = ...,
        scale: float | None = ...,
        mean_file: str | None = ...,
        crop_size: int | None = ...,
        mirror: bool | None = ...,
    ) -> None: ...

class HDF5DataParameter(Message):
    source: str
    batch_size: int
    shuffle: bool
    def __init__(
        self,
        *,
        source: str | None = ...,
        batch_size: int | None = ...,
        shuffle: bool | None = ...,
    ) -> None: ...

class MemoryDataParameter(Message):
    batch_size: int
    channels: int
    height: int
    width: int
    def __init__(
        self,
        *,
        batch_size: int | None = ...,
        channels: int | None = ...,
        height: int | None = ...,
        width: int | None = ...,
    ) -> None: ...

class InputParameter(Message):
    @property
    def shape(self) -> RepeatedMessages[BlobShape]: ...
    def __init__(
        self,
        *,
        shape: Iterable[BlobShape | Mapping[str, Any]] | None = ...,
    ) -> None: ...

class DummyDataParameter(Message):
    @property
    def data_filler(self) -> RepeatedMessages[FillerParameter]: ...
    @property
    def shape(self) -> RepeatedMessages[BlobShape]: ...
    @property
    def num(self) -> Repeated[int]: ...
    @property
    def channels(self) -> Repeated[int]: ...
    @property
    def height(self) -> Repeated[int]: ...
    @property
    def width(self) -> Repeated[int]: ...
    def __init__(
        self,
        *,
        data_filler: Iterable[FillerParameter | Mapping[str, Any]] | None = ...,
        shape: Iterable[BlobShape | Mapping[str, Any]] | None = ...,
        num: Iterable[int] | None = ...,
        channels: Iterable[int] | None = ...,
        height: Iterable[int] | None = ...,
        width: Iterable[int] | None = ...,
    ) -> None: ...

class ClutteredDigitsParameter(Message):
    source: str
    batch_size: int
    height: int
    width: int
    digits: int
    digit_size: int
    clutter: int
    clutter_size: int
    translation: float
    rotation: float
    min_scale: float
    max_scale: float
    seed: int
    def __init__(
        self,
        *,
        source: str | None = ...,
        batch_size: int | None = ...,
        height: int | None = ...,
        width: int | None = ...,
        digits: int | None = ...,
        digit_size: int | None = ...,
        clutter: int | None = ...,
        clutter_size: int | None = ...,
        translation: float | None = ...,
        rotation: float | None = ...,
        min_scale: float | None = ...,
        max_scale: float | None = ...,
        seed: int | None = ...,
    ) -> None: ...

class ParameterParameter(Message):
    @property
    def shape(self) -> BlobShape: ...
    def __init__(
        self,
        *,
        shape: BlobShape | Mapping[str, Any] | None = ...,
    ) -> None: ...

class HDF5OutputParameter(Message):
    file_name: str
    def __init__(
        self,
        *,
        file_name: str | None = ...,
    ) -> None: ...

class ConvolutionParameter(Message):
    Engine: ClassVar[EnumType]
    DEFAULT: ClassVar[int]
    CAFFE: ClassVar[int]
    CUDNN: ClassVar[int]
    CuDNNConvolutionAlgorithmSeeker: ClassVar[EnumType]
    GET: ClassVar[int]
    FINDEX: ClassVar[int]
    num_output: int
    bias_term: bool
    @property
    def kernel_size(self) -> Repeated[int]: ...
    @property
    def pad(self) -> Repeated[int]: ...
    @property
    def stride(self) -> Repeated[int]: ...
    @property
    def dilation(self) -> Repeated[int]: ...
    kernel_h: int
    kernel_w: int
    pad_h: int
    pad_w: int
    stride_h: int
    stride_w: int
    group: int
    @property
    def weight_filler(self) -> FillerParameter: ...
    @property
    def bias_filler(self) -> FillerParameter: ...
    axis: int
    engine: int
    force_nd_im2col: bool
    cudnn_convolution_algo_seeker: int
    conv_algos_override: str
    def __init__(
        self,
        *,
        num_output: int | None = ...,
        bias_term: bool | None = ...,
        kernel_size: Iterable[int] | None = ...,
        pad: Iterable[int] | None = ...,
        stride: Iterable[int] | None = ...,
        dilation: Iterable[int] | None = ...,
        kernel_h: int | None = ...,
        kernel_w: int | None = ...,
        pad_h: int | None = ...,
        pad_w: int | None = ...,
        stride_h: int | None = ...,
        stride_w: int | None = ...,
        group: int | None = ...,
        weight_filler: FillerParameter | Mapping[str, Any] | None = ...,
        bias_filler: FillerParameter | Mapping[str, Any] | None = ...,
        axis: int | None = ...,
        engine: int | str | None = ...,
        force_nd_im2col: bool | None = ...,
        cudnn_convolution_algo_seeker: int | str | None = ...,
        conv_algos_override: str | None = ...,
    ) -> None: ...

class InnerProductParameter(Message):
    num_output: int
    bias_term: bool
    @property
    def weight_filler(self) -> FillerParameter: ...
    @property
    def bias_filler(self) -> FillerParameter: ...
    axis: int
    transpose: bool
    def __init__(
        self,
        *,
        num_output: int | None = ...,
        bias_term: bool | None = ...,
        weight_filler: FillerParameter | Mapping[str, Any] | None = ...,
        bias_filler: FillerParameter | Mapping[str, Any] | None = ...,
        axis: int | None = ...,
        transpose: bool | None = ...,
    ) -> None: ...

class EmbedParameter(Message):
    num_output: int
    input_dim: int
    bias_term: bool
    @property
    def weight_filler(self) -> FillerParameter: ...
    @property
    def bias_filler(self) -> FillerParameter: ...
    def __init__(
        self,
        *,
        num_output: int | None = ...,
        input_dim: int | None = ...,
        bias_term: bool | None = ...,
        weight_filler: FillerParameter | Mapping[str, Any] | None = ...,
        bias_filler: FillerParameter | Mapping[str, Any] | None = ...,
    ) -> None: ...

class ScaleParameter(Message):
    axis: int
    num_axes: int
    @property
    def filler(self) -> FillerParameter: ...
    bias_term: bool
    @property
    def bias_filler(self) -> FillerParameter: ...
    def __init__(
        self,
        *,
        axis: int | None = ...,
        num_axes: int | None = ...,
        filler: FillerParameter | Mapping[str, Any] | None = ...,
        bias_term: bool | None = ...,
        bias_filler: FillerParameter | Mapping[str, Any] | None = ...,
    ) -> None: ...

class BiasParameter(Message):
    axis: int
    num_axes: int
    @property
    def filler(self) -> FillerParameter: ...
    def __init__(
        self,
        *,
        axis: int | None = ...,
        num_axes: int | None = ...,
        filler: FillerParameter | Mapping[str, Any] | None = ...,
    ) -> None: ...

class PReLUParameter(Message):
    @property
    def filler(self) -> FillerParameter: ...
    channel_shared: bool
    def __init__(
        self,
        *,
        filler: FillerParameter | Mapping[str, Any] | None = ...,
        channel_shared: bool | None = ...,
    ) -> None: ...

class RecurrentParameter(Message):
    num_output: int
    @property
    def weight_filler(self) -> FillerParameter: ...
    @property
    def bias_filler(self) -> FillerParameter: ...
    debug_info: bool
    expose_hidden: bool
    def __init__(
        self,
        *,
        num_output: int | None = ...,
        weight_filler: FillerParameter | Mapping[str, Any] | None = ...,
        bias_filler: FillerParameter | Mapping[str, Any] | None = ...,
        debug_info: bool | None = ...,
        expose_hidden: bool | None = ...,
    ) -> None: ...

class LSTMParameter(Message):
    num_output: int
    batch_size: int
    clipping_threshold: float
    @property
    def weight_filler(self) -> FillerParameter: ...
    @property
    def bias_filler(self) -> FillerParameter: ...
    def __init__(
        self,
        *,
        num_output: int | None = ...,
        batch_size: int | None = ...,
        clipping_threshold: float | None = ...,
        weight_filler: FillerParameter | Mapping[str, Any] | None = ...,
        bias_filler: FillerParameter | Mapping[str, Any] | None = ...,
    ) -> None: ...

class RepeatParameter(Message):
    num_repeats: int
    axis: int
    def __init__(
        self,
        *,
        num_repeats: int | None = ...,
        axis: int | None = ...,
    ) -> None: ...

class SpatialTransformerParameter(Message):
    Grid: ClassVar[EnumType]
    CAFFE: ClassVar[int]
    ALIGNED: ClassVar[int]
    HALF_PIXEL: ClassVar[int]
    Order: ClassVar[EnumType]
    ROW_FIRST: ClassVar[int]
    COLUMN_FIRST: ClassVar[int]
    AngleUnit: ClassVar[EnumType]
    HALF_TURN: ClassVar[int]
    RADIAN: ClassVar[int]
    transform_type: str
    sampler_type: str
    output_H: int
    output_W: int
    to_compute_dU: bool
    theta_1_1: float
    theta_1_2: float
    theta_1_3: float
    theta_2_1: float
    theta_2_2: float
    theta_2_3: float
    de_transform: bool
    grid: int
    order: int
    padding: str
    angle: float
    scale: float
    t1: float
    t2: float
    theta_3_1: float
    theta_3_2: float
    angle_unit: int
    control_points: int
    def __init__(
        self,
        *,
        transform_type: str | None = ...,
        sampler_type: str | None = ...,
        output_H: int | None = ...,
        output_W: int | None = ...,
        to_compute_dU: bool | None = ...,
        theta_1_1: float | None = ...,
        theta_1_2: float | None = ...,
        theta_1_3: float | None = ...,
        theta_2_1: float | None = ...,
        theta_2_2: float | None = ...,
        theta_2_3: float | None = ...,
        de_transform: bool | None = ...,
        grid: int | str | None = ...,
        order: int | str | None = ...,
        padding: str | None = ...,
        angle: float | None = ...,
        scale: float | None = ...,
        t1: float | None = ...,
        t2: float | None = ...,
        theta_3_1: float | None = ...,
        theta_3_2: float | None = ...,
        angle_unit: int | str | None = ...,
        control_points: int | None = ...,
    ) -> None: ...

class SampledTransformerParameter(Message):
    transform_type: str
    transformer_type: str
    sampler_type: str
    top_height: int
    top_width: int
    theta_num: int
    first_bottom_diff: bool
    def __init__(
        self,
        *,
        transform_type: str | None = ...,
        transformer_type: str | None = ...,
        sampler_type: str | None = ...,
        top_height: int | None = ...,
        top_width: int | None = ...,
        theta_num: int | None = ...,
        first_bottom_diff: bool | None = ...,
    ) -> None: ...

class CoordinatesParameter(Message):
    with_radius: bool
    def __init__(
        self,
        *,
        with_radius: bool | None = ...,
    ) -> None: ...

class STLossParameter(Message):
    output_H: int
    output_W: int
    def __init__(
        self,
        *,
        output_H: int | None = ...,
        output_W: int | None = ...,
    ) -> None: ...

class LocLossParameter(Message):
    threshold: float
    def __init__(
        self,
        *,
        threshold: float | None = ...,
    ) -> None: ...

class PowerFileParameter(Message):
    shift_file: str
    def __init__(
        self,
        *,
        shift_file: str | None = ...,
    ) -> None: ...

class PoolingParameter(Message):
    PoolMethod: ClassVar[EnumType]
    MAX: ClassVar[int]
    AVE: ClassVar[int]
    STOCHASTIC: ClassVar[int]
    Engine: ClassVar[EnumType]
    DEFAULT: ClassVar[int]
    CAFFE: ClassVar[int]
    CUDNN: ClassVar[int]
    RoundMode: ClassVar[EnumType]
    CEIL: ClassVar[int]
    FLOOR: ClassVar[int]
    pool: int
    kernel_size: int
    stride: int
    pad: int
    kernel_h: int
    kernel_w: int
    stride_h: int
    stride_w: int
    pad_h: int
    pad_w: int
    global_pooling: bool
    round_mode: int
    engine: int
    torch_pooling: bool
    def __init__(
        self,
        *,
        pool: int | str | None = ...,
        kernel_size: int | None = ...,
        stride: int | None = ...,
        pad: int | None = ...,
        kernel_h: int | None = ...,
        kernel_w: int | None = ...,
        stride_h: int | None = ...,
        stride_w: int | None = ...,
        pad_h: int | None = ...,
        pad_w: int | None = ...,
        global_pooling: bool | None = ...,
        round_mode: int | str | None = ...,
        engine: int | str | None = ...,
        torch_pooling: bool | None = ...,
    ) -> None: ...

class SPPParameter(Message):
    PoolMethod: ClassVar[EnumType]
    MAX: ClassVar[int]
    AVE: ClassVar[int]
    STOCHASTIC: ClassVar[int]
    Engine: ClassVar[EnumType]
    DEFAULT: ClassVar[int]
    CAFFE: ClassVar[int]
    CUDNN: ClassVar[int]
    pyramid_height: int
    pool: int
    engine: int
    def __init__(
        self,
        *,
        pyramid_height: int | None = ...,
        pool: int | str | None = ...,
        engine: int | str | None = ...,
    ) -> None: ...

class LRNParameter(Message):
    NormRegion: ClassVar[EnumType]
    ACROSS_CHANNELS: ClassVar[int]
    WITHIN_CHANNEL: ClassVar[int]
    Engine: ClassVar[EnumType]
    DEFAULT: ClassVar[int]
    CAFFE: ClassVar[int]
    CUDNN: ClassVar[int]
    local_size: int
    alpha: float
    beta: float
    norm_region: int
    k: float
    engine: int
    def __init__(
        self,
        *,
        local_size: int | None = ...,
        alpha: float | None = ...,
        beta: float | None = ...,
        norm_region: int | str | None = ...,
        k: float | None = ...,
        engine: int | str | None = ...,
    ) -> None: ...

class BatchNormParameter(Message):
    Engine: ClassVar[EnumType]
    DEFAULT: ClassVar[int]
    CAFFE: ClassVar[int]
    CUDNN: ClassVar[int]
    use_global_stats: bool
    moving_average_fraction: float
    eps: float
    update_global_stats: bool
    @property
    def scale_filler(self) -> FillerParameter: ...
    @property
    def bias_filler(self) -> FillerParameter: ...
    scale_bias: bool
    engine: int
    def __init__(
        self,
        *,
        use_global_stats: bool | None = ...,
        moving_average_fraction: float | None = ...,
        eps: float | None = ...,
        update_global_stats: bool | None = ...,
        scale_filler: FillerParameter | Mapping[str, Any] | None = ...,
        bias_filler: FillerParameter | Mapping[str, Any] | None = ...,
        scale_bias: bool | None = ...,
        engine: int | str | None = ...,
    ) -> None: ...

class BNParameter(Message):
    Engine: ClassVar[EnumType]
    DEFAULT: ClassVar[int]
    CAFFE: ClassVar[int]
    CUDNN: ClassVar[int]
    @property
    def slope_filler(self) -> FillerParameter: ...
    @property
    def bias_filler(self) -> FillerParameter: ...
    momentum: float
    eps: float
    frozen: bool
    engine: int
    def __init__(
        self,
        *,
        slope_filler: FillerParameter | Mapping[str, Any] | None = ...,
        bias_filler: FillerParameter | Mapping[str, Any] | None = ...,
        momentum: float | None = ...,
        eps: float | None = ...,
        frozen: bool | None = ...,
        engine: int | str | None = ...,
    ) -> None: ...

class ContrastiveNormalizationParameter(Message):
    Kernel: ClassVar[EnumType]
    BOX: ClassVar[int]
    GAUSSIAN: ClassVar[int]
    kernel_size: int
    kernel: int
    sigma: float
    threshold: float
    def __init__(
        self,
        *,
        kernel_size: int | None = ...,
        kernel: int | str | None = ...,
        sigma: float | None = ...,
        threshold: float | None = ...,
    ) -> None: ...

class NormalizeParameter(Message):
    across_spatial: bool
    @property
    def scale_filler(self) -> FillerParameter: ...
    channel_shared: bool
    eps: float
    def __init__(
        self,
        *,
        across_spatial: bool | None = ...,
        scale_filler: FillerParameter | Mapping[str, Any] | None = ...,
        channel_shared: bool | None = ...,
        eps: float | None = ...,
    ) -> None: ...

class MVNParameter(Message):
    normalize_variance: bool
    across_channels: bool
    eps: float
    def __init__(
        self,
        *,
        normalize_variance: bool | None = ...,
        across_channels: bool | None = ...,
        eps: float | None = ...,
    ) -> None: ...

class ReLUParameter(Message):
    Engine: ClassVar[EnumType]
    DEFAULT: ClassVar[int]
    CAFFE: ClassVar[int]
    CUDNN: ClassVar[int]
    negative_slope: float
    engine: int
    def __init__(
        self,
        *,
        negative_slope: float | None = ...,
        engine: int | str | None = ...,
    ) -> None: ...

class ELUParameter(Message):
    alpha: float
    def __init__(
        self,
        *,
        alpha: float | None = ...,
    ) -> None: ...

class SigmoidParameter(Message):
    Engine: ClassVar[EnumType]
    DEFAULT: ClassVar[int]
    CAFFE: ClassVar[int]
    CUDNN: ClassVar[int]
    engine: int
    def __init__(
        self,
        *,
        engine: int | str | None = ...,
    ) -> None: ...

class TanHParameter(Message):
    Engine: ClassVar[EnumType]
    DEFAULT: ClassVar[int]
    CAFFE: ClassVar[int]
    CUDNN: ClassVar[int]
    engine: int
    def __init__(
        self,
        *,
        engine: int | str | None = ...,
    ) -> None: ...

class SwishParameter(Message):
    beta: float
    def __init__(
        self,
        *,
        beta: float | None = ...,
    ) -> None: ...

class ClipParameter(Message):
    min: float
    max: float
    def __init__(
        self,
        *,
        min: float | None = ...,
        max: float | None = ...,
    ) -> None: ...

class ThresholdParameter(Message):
    threshold: float
    def __init__(
        self,
        *,
        threshold: float | None = ...,
    ) -> None: ...

class PowerParameter(Message):
    power: float
    scale: float
    shift: float
    def __init__(
        self,
        *,
        power: float | None = ...,
        scale: float | None = ...,
        shift: float | None = ...,
    ) -> None: ...

class ExpParameter(Message):
    base: float
    scale: float
    shift: float
    def __init__(
        self,
        *,
        base: float | None = ...,
        scale: float | None = ...,
        shift: float | None = ...,
    ) -> None: ...

class LogParameter(Message):
    base: float
    scale: float
    shift: float
    def __init__(
        self,
        *,
        base: float | None = ...,
        scale: float | None = ...,
        shift: float | None = ...,
    ) -> None: ...

class DropoutParameter(Message):
    Engine: ClassVar[EnumType]
    DEFAULT: ClassVar[int]
    CAFFE: ClassVar[int]
    CUDNN: ClassVar[int]
    dropout_ratio: float
    scale_train: bool
    engine: int
    random_seed: int
    def __init__(
        self,
        *,
        dropout_ratio: float | None = ...,
        scale_train: bool | None = ...,
        engine: int | str | None = ...,
        random_seed: int | None = ...,
    ) -> None: ...

class EltwiseParameter(Message):
    EltwiseOp: ClassVar[EnumType]
    PROD: ClassVar[int]
    SUM: ClassVar[int]
    MAX: ClassVar[int]
    operation: int
    @property
    def coeff(self) -> Repeated[float]: ...
    stable_prod_grad: bool
    def __init__(
        self,
        *,
        operation: int | str | None = ...,
        coeff: Iterable[float] | None = ...,
        stable_prod_grad: bool | None = ...,
    ) -> None: ...

class ConcatParameter(Message):
    axis: int
    concat_dim: int
    def __init__(
        self,
        *,
        axis: int | None = ...,
        concat_dim: int | None = ...,
    ) -> None: ...

class SliceParameter(Message):
    axis: int
    @property
    def slice_point(self) -> Repeated[int]: ...
    slice_dim: int
    def __init__(
        self,
        *,
        axis: int | None = ...,
        slice_point: Iterable[int] | None = ...,
        slice_dim: int | None = ...,
    ) -> None: ...

class CropParameter(Message):
    axis: int
    @property
    def offset(self) -> Repeated[int]: ...
    def __init__(
        self,
        *,
        axis: int | None = ...,
        offset: Iterable[int] | None = ...,
    ) -> None: ...

class FlattenParameter(Message):
    axis: int
    end_axis: int
    def __init__(
        self,
        *,
        axis: int | None = ...,
        end_axis: int | None = ...,
    ) -> None: ...

class ReshapeParameter(Message):
    @property
    def shape(self) -> BlobShape: ...
    axis: int
    num_axes: int
    def __init__(
        self,
        *,
        shape: BlobShape | Mapping[str, Any] | None = ...,
        axis: int | None = ...,
        num_axes: int | None = ...,
    ) -> None: ...

class TileParameter(Message):
    axis: int
    tiles: int
    def __init__(
        self,
        *,
        axis: int | None = ...,
        tiles: int | None = ...,
    ) -> None: ...

class ReductionParameter(Message):
    ReductionOp: ClassVar[EnumType]
    SUM: ClassVar[int]
    ASUM: ClassVar[int]
    SUMSQ: ClassVar[int]
    MEAN: ClassVar[int]
    operation: int
    axis: int
    coeff: float
    def __init__(
        self,
        *,
        operation: int | str | None = ...,
        axis: int | None = ...,
        coeff: float | None = ...,
    ) -> None: ...

class ArgMaxParameter(Message):
    axis: int
    top_k: int
    out_max_val: bool
    def __init__(
        self,
        *,
        axis: int | None = ...,
        top_k: int | None = ...,
        out_max_val: bool | None = ...,
    ) -> None: ...

class PermuteParameter(Message):
    @property
    def order(self) -> Repeated[int]: ...
    def __init__(
        self,
        *,
        order: Iterable[int] | None = ...,
    ) -> None: ...

class InterpParameter(Message):
    height: int
    width: int
    zoom_factor: int
    shrink_factor: int
    pad_beg: int
    pad_end: int
    def __init__(
        self,
        *,
        height: int | None = ...,
        width: int | None = ...,
        zoom_factor: int | None = ...,
        shrink_factor: int | None = ...,
        pad_beg: int | None = ...,
        pad_end: int | None = ...,
    ) -> None: ...

class ReorgParameter(Message):
    stride: int
    reverse: bool
    def __init__(
        self,
        *,
        stride: int | None = ...,
        reverse: bool | None = ...,
    ) -> None: ...

class ShuffleChannelParameter(Message):
    group: int
    def __init__(
        self,
        *,
        group: int | None = ...,
    ) -> None: ...

class UpsampleParameter(Message):
    scale: int
    scale_h: int
    scale_w: int
    pad_out_h: bool
    pad_out_w: bool
    upsample_h: int
    upsample_w: int
    def __init__(
        self,
        *,
        scale: int | None = ...,
        scale_h: int | None = ...,
        scale_w: int | None = ...,
        pad_out_h: bool | None = ...,
        pad_out_w: bool | None = ...,
        upsample_h: int | None = ...,
        upsample_w: int | None = ...,
    ) -> None: ...

class NormalizedBBox(Message):
    xmin: float
    ymin: float
    xmax: float
    ymax: float
    label: int
    difficult: bool
    score: float
    size: float
    def __init__(
        self,
        *,
        xmin: float | None = ...,
        ymin: float | None = ...,
        xmax: float | None = ...,
        ymax: float | None = ...,
        label: int | None = ...,
        difficult: bool | None = ...,
        score: float | None = ...,
        size: float | None = ...,
    ) -> None: ...

class Annotation(Message):
    instance_id: int
    @property
    def bbox(self) -> NormalizedBBox: ...
    def __init__(
        self,
        *,
        instance_id: int | None = ...,
        bbox: NormalizedBBox | Mapping[str, Any] | None = ...,
    ) -> None: ...

class AnnotationGroup(Message):
    group_label: int
    @property
    def annotation(self) -> RepeatedMessages[Annotation]: ...
    def __init__(
        self,
        *,
        group_label: int | None = ...,
        annotation: Iterable[Annotation | Mapping[str, Any]] | None = ...,
    ) -> None: ...

class AnnotatedDatum(Message):
    AnnotationType: ClassVar[EnumType]
    BBOX: ClassVar[int]
    @property
    def datum(self) -> Datum: ...
    type: int
    @property
    def annotation_group(self) -> RepeatedMessages[AnnotationGroup]: ...
    record_id: int
    def __init__(
        self,
        *,
        datum: Datum | Mapping[str, Any] | None = ...,
        type: int | str | None = ...,
        annotation_group: Iterable[AnnotationGroup | Mapping[str, Any]] | None = ...,
        record_id: int | None = ...,
    ) -> None: ...

class LabelMapItem(Message):
    name: str
    label: int
    display_name: str
    def __init__(
        self,
        *,
        name: str | None = ...,
        label: int | None = ...,
        display_name: str | None = ...,
    ) -> None: ...

class LabelMap(Message):
    @property
    def item(self) -> RepeatedMessages[LabelMapItem]: ...
    def __init__(
        self,
        *,
        item: Iterable[LabelMapItem | Mapping[str, Any]] | None = ...,
    ) -> None: ...

class Sampler(Message):
    min_scale: float
    max_scale: float
    min_aspect_ratio: float
    max_aspect_ratio: float
    def __init__(
        self,
        *,
        min_scale: float | None = ...,
        max_scale: float | None = ...,
        min_aspect_ratio: float | None = ...,
        max_aspect_ratio: float | None = ...,
    ) -> None: ...

class SampleConstraint(Message):
    min_jaccard_overlap: float
    max_jaccard_overlap: float
    min_sample_coverage: float
    max_sample_coverage: float
    min_object_coverage: float
    max_object_coverage: float
    def __init__(
        self,
        *,
        min_jaccard_overlap: float | None = ...,
        max_jaccard_overlap: float | None = ...,
        min_sample_coverage: float | None = ...,
        max_sample_coverage: float | None = ...,
        min_object_coverage: float | None = ...,
        max_object_coverage: float | None = ...,
    ) -> None: ...

class BatchSampler(Message):
    use_original_image: bool
    @property
    def sampler(self) -> Sampler: ...
    @property
    def sample_constraint(self) -> SampleConstraint: ...
    max_sample: int
    max_trials: int
    def __init__(
        self,
        *,
        use_original_image: bool | None = ...,
        sampler: Sampler | Mapping[str, Any] | None = ...,
        sample_constraint: SampleConstraint | Mapping[str, Any] | None = ...,
        max_sample: int | None = ...,
        max_trials: int | None = ...,
    ) -> None: ...

class AnnotatedDataParameter(Message):
    @property
    def batch_sampler(self) -> RepeatedMessages[BatchSampler]: ...
    label_map_file: str
    anno_type: int
    def __init__(
        self,
        *,
        batch_sampler: Iterable[BatchSampler | Mapping[str, Any]] | None = ...,
        label_map_file: str | None = ...,
        anno_type: int | str | None = ...,
    ) -> None: ...

class VideoDataParameter(Message):
    VideoType: ClassVar[EnumType]
    WEBCAM: ClassVar[int]
    VIDEO: ClassVar[int]
    video_type: int
    device_id: int
    video_file: str
    skip_frames: int
    def __init__(
        self,
        *,
        video_type: int | str | None = ...,
        device_id: int | None = ...,
        video_file: str | None = ...,
        skip_frames: int | None = ...,
    ) -> None: ...

class PriorBoxParameter(Message):
    CodeType: ClassVar[EnumType]
    CORNER: ClassVar[int]
    CENTER_SIZE: ClassVar[int]
    CORNER_SIZE: ClassVar[int]
    @property
    def min_size(self) -> Repeated[float]: ...
    @property
    def max_size(self) -> Repeated[float]: ...
    @property
    def aspect_ratio(self) -> Repeated[float]: ...
    flip: bool
    clip: bool
    @property
    def variance(self) -> Repeated[float]: ...
    img_size: int
    img_h: int
    img_w: int
    step: float
    step_h: float
    step_w: float
    offset: float
    def __init__(
        self,
        *,
        min_size: Iterable[float] | None = ...,
        max_size: Iterable[float] | None = ...,
        aspect_ratio: Iterable[float] | None = ...,
        flip: bool | None = ...,
        clip: bool | None = ...,
        variance: Iterable[float] | None = ...,
        img_size: int | None = ...,
        img_h: int | None = ...,
        img_w: int | None = ...,
        step: float | None = ...,
        step_h: float | None = ...,
        step_w: float | None = ...,
        offset: float | None = ...,
    ) -> None: ...

class NonMaximumSuppressionParameter(Message):
    nms_threshold: float
    top_k: int
    eta: float
    def __init__(
        self,
        *,
        nms_threshold: float | None = ...,
        top_k: int | None = ...,
        eta: float | None = ...,
    ) -> None: ...

class SaveOutputParameter(Message):
    output_directory: str
    output_name_prefix: str
    output_format: str
    label_map_file: str
    name_size_file: str
    num_test_image: int
    @property
    def resize_param(self) -> ResizeParameter: ...
    def __init__(
        self,
        *,
        output_directory: str | None = ...,
        output_name_prefix: str | None = ...,
        output_format: str | None = ...,
        label_map_file: str | None = ...,
        name_size_file: str | None = ...,
        num_test_image: int | None = ...,
        resize_param: ResizeParameter | Mapping[str, Any] | None = ...,
    ) -> None: ...

class DetectionOutputParameter(Message):
    num_classes: int
    share_location: bool
    background_label_id: int
    @property
    def nms_param(self) -> NonMaximumSuppressionParameter: ...
    @property
    def save_output_param(self) -> SaveOutputParameter: ...
    code_type: int
    variance_encoded_in_target: bool
    keep_top_k: int
    confidence_threshold: float
    visualize: bool
    visualize_threshold: float
    save_file: str
    def __init__(
        self,
        *,
        num_classes: int | None = ...,
        share_location: bool | None = ...,
        background_label_id: int | None = ...,
        nms_param: NonMaximumSuppressionParameter | Mapping[str, Any] | None = ...,
        save_output_param: SaveOutputParameter | Mapping[str, Any] | None = ...,
        code_type: int | str | None = ...,
        variance_encoded_in_target: bool | None = ...,
        keep_top_k: int | None = ...,
        confidence_threshold: float | None = ...,
        visualize: bool | None = ...,
        visualize_threshold: float | None = ...,
        save_file: str | None = ...,
    ) -> None: ...

class DetectionEvaluateParameter(Message):
    num_classes: int
    background_label_id: int
    overlap_threshold: float
    evaluate_difficult_gt: bool
    name_size_file: str
    @property
    def resize_param(self) -> ResizeParameter: ...
    def __init__(
        self,
        *,
        num_classes: int | None = ...,
        background_label_id: int | None = ...,
        overlap_threshold: float | None = ...,
        evaluate_difficult_gt: bool | None = ...,
        name_size_file: str | None = ...,
        resize_param: ResizeParameter | Mapping[str, Any] | None = ...,
    ) -> None: ...

class MultiBoxLossParameter(Message):
    LocLossType: ClassVar[EnumType]
    L2: ClassVar[int]
    SMOOTH_L1: ClassVar[int]
    ConfLossType: ClassVar[EnumType]
    SOFTMAX: ClassVar[int]
    LOGISTIC: ClassVar[int]
    MatchType: ClassVar[EnumType]
    BIPARTITE: ClassVar[int]
    PER_PREDICTION: ClassVar[int]
    MiningType: ClassVar[EnumType]
    NONE: ClassVar[int]
    MAX_NEGATIVE: ClassVar[int]
    HARD_EXAMPLE: ClassVar[int]
    loc_loss_type: int
    conf_loss_type: int
    loc_weight: float
    num_classes: int
    share_location: bool
    match_type: int
    overlap_threshold: float
    use_prior_for_matching: bool
    background_label_id: int
    use_difficult_gt: bool
    do_neg_mining: bool
    neg_pos_ratio: float
    neg_overlap: float
    code_type: int
    encode_variance_in_target: bool
    map_object_to_agnostic: bool
    ignore_cross_boundary_bbox: bool
    bp_inside: bool
    mining_type: int
    @property
    def nms_param(self) -> NonMaximumSuppressionParameter: ...
    sample_size: int
    use_prior_for_nms: bool
    ignore_difficult_gt: bool
    def __init__(
        self,
        *,
        loc_loss_type: int | str | None = ...,
        conf_loss_type: int | str | None = ...,
        loc_weight: float | None = ...,
        num_classes: int | None = ...,
        share_location: bool | None = ...,
        match_type: int | str | None = ...,
        overlap_threshold: float | None = ...,
        use_prior_for_matching: bool | None = ...,
        background_label_id: int | None = ...,
        use_difficult_gt: bool | None = ...,
        do_neg_mining: bool | None = ...,
        neg_pos_ratio: float | None = ...,
        neg_overlap: float | None = ...,
        code_type: int | str | None = ...,
        encode_variance_in_target: bool | None = ...,
        map_object_to_agnostic: bool | None = ...,
        ignore_cross_boundary_bbox: bool | None = ...,
        bp_inside: bool | None = ...,
        mining_type: int | str | None = ...,
        nms_param: NonMaximumSuppressionParameter | Mapping[str, Any] | None = ...,
        sample_size: int | None = ...,
        use_prior_for_nms: bool | None = ...,
        ignore_difficult_gt: bool | None = ...,
    ) -> None: ...

class ROIPoolingParameter(Message):
    pooled_h: int
    pooled_w: int
    spatial_scale: float
    def __init__(
        self,
        *,
        pooled_h: int | None = ...,
        pooled_w: int | None = ...,
        spatial_scale: float | None = ...,
    ) -> None: ...

class PSROIPoolingParameter(Message):
    spatial_scale: float
    output_dim: int
    group_size: int
    def __init__(
        self,
        *,
        spatial_scale: float | None = ...,
        output_dim: int | None = ...,
        group_size: int | None = ...,
    ) -> None: ...

class SmoothL1LossParameter(Message):
    sigma: float
    def __init__(
        self,
        *,
        sigma: float | None = ...,
    ) -> None: ...

class DetectNetGroundTruthParameter(Message):
    class ClassMapping(Message):
        src: int
        dst: int
        def __init__(
            self,
            *,
            src: int | None = ...,
            dst: int | None = ...,
        ) -> None: ...

    GridboxType: ClassVar[EnumType]
    GRIDBOX_MAX: ClassVar[int]
    GRIDBOX_MIN: ClassVar[int]
    CoverageType: ClassVar[EnumType]
    RECTANGULAR: ClassVar[int]
    stride: int
    scale_cvg: float
    gridbox_type: int
    max_cvg_len: int
    min_cvg_len: int
    coverage_type: int
    image_size_x: int
    image_size_y: int
    obj_norm: bool
    crop_bboxes: bool
    @property
    def object_class(self) -> RepeatedMessages[DetectNetGroundTruthParameter.ClassMapping]: ...
    def __init__(
        self,
        *,
        stride: int | None = ...,
        scale_cvg: float | None = ...,
        gridbox_type: int | str | None = ...,
        max_cvg_len: int | None = ...,
        min_cvg_len: int | None = ...,
        coverage_type: int | str | None = ...,
        image_size_x: int | None = ...,
        image_size_y: int | None = ...,
        obj_norm: bool | None = ...,
        crop_bboxes: bool | None = ...,
        object_class: Iterable[DetectNetGroundTruthParameter.ClassMapping | Mapping[str, Any]] | None = ...,
    ) -> None: ...

class DetectNetAugmentationParameter(Message):
    crop_prob: float
    shift_x: int
    shift_y: int
    scale_prob: float
    scale_min: float
    scale_max: float
    flip_prob: float
    rotation_prob: float
    max_rotate_degree: float
    hue_rotation_prob: float
    hue_rotation: float
    desaturation_prob: float
    desaturation_max: float
    @property
    def resize_param(self) -> ResizeParameter: ...
    @property
    def noise_param(self) -> NoiseParameter: ...
    @property
    def distort_param(self) -> DistortionParameter: ...
    @property
    def expand_param(self) -> ExpansionParameter: ...
    @property
    def emit_constraint(self) -> EmitConstraint: ...
    def __init__(
        self,
        *,
        crop_prob: float | None = ...,
        shift_x: int | None = ...,
        shift_y: int | None = ...,
        scale_prob: float | None = ...,
        scale_min: float | None = ...,
        scale_max: float | None = ...,
        flip_prob: float | None = ...,
        rotation_prob: float | None = ...,
        max_rotate_degree: float | None = ...,
        hue_rotation_prob: float | None = ...,
        hue_rotation: float | None = ...,
        desaturation_prob: float | None = ...,
        desaturation_max: float | None = ...,
        resize_param: ResizeParameter | Mapping[str, Any] | None = ...,
        noise_param: NoiseParameter | Mapping[str, Any] | None = ...,
        distort_param: DistortionParameter | Mapping[str, Any] | None = ...,
        expand_param: ExpansionParameter | Mapping[str, Any] | None = ...,
        emit_constraint: EmitConstraint | Mapping[str, Any] | None = ...,
    ) -> None: ...

class AdaptiveBiasChannelParameter(Message):
    num_iter: int
    bg_portion: float
    fg_portion: float
    suppress_others: bool
    margin_others: float
    def __init__(
        self,
        *,
        num_iter: int | None = ...,
        bg_portion: float | None = ...,
        fg_portion: float | None = ...,
        suppress_others: bool | None = ...,
        margin_others: float | None = ...,
    ) -> None: ...

class BiasChannelParameter(Message):
    LabelType: ClassVar[EnumType]
    IMAGE: ClassVar[int]
    PIXEL: ClassVar[int]
    bg_bias: float
    fg_bias: float
    @property
    def ignore_label(self) -> Repeated[int]: ...
    label_type: int
    background_label: int
    def __init__(
        self,
        *,
        bg_bias: float | None = ...,
        fg_bias: float | None = ...,
        ignore_label: Iterable[int] | None = ...,
        label_type: int | str | None = ...,
        background_label: int | None = ...,
    ) -> None: ...

class DenseCRFParameter(Message):
    max_iter: int
    @property
    def pos_xy_std(self) -> Repeated[float]: ...
    @property
    def pos_w(self) -> Repeated[float]: ...
    @property
    def bi_xy_std(self) -> Repeated[float]: ...
    @property
    def bi_rgb_std(self) -> Repeated[float]: ...
    @property
    def bi_w(self) -> Repeated[float]: ...
    output_probability: bool
    def __init__(
        self,
        *,
        max_iter: int | None = ...,
        pos_xy_std: Iterable[float] | None = ...,
        pos_w: Iterable[float] | None = ...,
        bi_xy_std: Iterable[float] | None = ...,
        bi_rgb_std: Iterable[float] | None = ...,
        bi_w: Iterable[float] | None = ...,
        output_probability: bool | None = ...,
    ) -> None: ...

class DomainTransformParameter(Message):
    num_iter: int
    spatial_sigma: float
    range_sigma: float
    min_weight: float
    def __init__(
        self,
        *,
        num_iter: int | None = ...,
        spatial_sigma: float | None = ...,
        range_sigma: float | None = ...,
        min_weight: float | None = ...,
    ) -> None: ...

class MatReadParameter(Message):
    prefix: str
    source: str
    strip: int
    batch_size: int
    def __init__(
        self,
        *,
        prefix: str | None = ...,
        source: str | None = ...,
        strip: int | None = ...,
        batch_size: int | None = ...,
    ) -> None: ...

class MatWriteParameter(Message):
    prefix: str
    source: str
    strip: int
    period: int
    def __init__(
        self,
        *,
        prefix: str | None = ...,
        source: str | None = ...,
        strip: int | None = ...,
        period: int | None = ...,
    ) -> None: ...

class SegAccuracyParameter(Message):
    AccuracyMetric: ClassVar[EnumType]
    PixelAccuracy: ClassVar[int]
    ClassAccuracy: ClassVar[int]
    PixelIOU: ClassVar[int]
    metric: int
    @property
    def ignore_label(self) -> Repeated[int]: ...
    reset: bool
    def __init__(
        self,
        *,
        metric: int | str | None = ...,
        ignore_label: Iterable[int] | None = ...,
        reset: bool | None = ...,
    ) -> None: ...

class UniqueLabelParameter(Message):
    max_labels: int
    @property
    def ignore_label(self) -> Repeated[int]: ...
    @property
    def force_label(self) -> Repeated[float]: ...
    def __init__(
        self,
        *,
        max_labels: int | None = ...,
        ignore_label: Iterable[int] | None = ...,
        force_label: Iterable[float] | None = ...,
    ) -> None: ...

class LossParameter(Message):
    NormalizationMode: ClassVar[EnumType]
    FULL: ClassVar[int]
    VALID: ClassVar[int]
    BATCH_SIZE: ClassVar[int]
    NONE: ClassVar[int]
    ignore_label: int
    normalization: int
    normalize: bool
    label_smoothing: float
    def __init__(
        self,
        *,
        ignore_label: int | None = ...,
        normalization: int | str | None = ...,
        normalize: bool | None = ...,
        label_smoothing: float | None = ...,
    ) -> None: ...

class AccuracyParameter(Message):
    top_k: int
    axis: int
    ignore_label: int
    def __init__(
        self,
        *,
        top_k: int | None = ...,
        axis: int | None = ...,
        ignore_label: int | None = ...,
    ) -> None: ...

class SoftmaxParameter(Message):
    Engine: ClassVar[EnumType]
    DEFAULT: ClassVar[int]
    CAFFE: ClassVar[int]
    CUDNN: ClassVar[int]
    axis: int
    engine: int
    def __init__(
        self,
        *,
        axis: int | None = ...,
        engine: int | str | None = ...,
    ) -> None: ...

class ContrastiveLossParameter(Message):
    margin: float
    legacy_version: bool
    def __init__(
        self,
        *,
        margin: float | None = ...,
        legacy_version: bool | None = ...,
    ) -> None: ...

class HingeLossParameter(Message):
    Norm: ClassVar[EnumType]
    L1: ClassVar[int]
    L2: ClassVar[int]
    norm: int
    def __init__(
        self,
        *,
        norm: int | str | None = ...,
    ) -> None: ...

class InfogainLossParameter(Message):
    source: str
    axis: int
    def __init__(
        self,
        *,
        source: str | None = ...,
        axis: int | None = ...,
    ) -> None: ...

class TRTParameter(Message):
    TRTMode: ClassVar[EnumType]
    FP32: ClassVar[int]
    FP16: ClassVar[int]
    INT8: ClassVar[int]
    trt_mode: int
    top_k: int
    deploy: str
    model: str
    @property
    def deploy_outputs(self) -> Repeated[str]: ...
    calibrator: str
    def __init__(
        self,
        *,
        trt_mode: int | str | None = ...,
        top_k: int | None = ...,
        deploy: str | None = ...,
        model: str | None = ...,
        deploy_outputs: Iterable[str] | None = ...,
        calibrator: str | None = ...,
    ) -> None: ...

class C2TensorProto(Message):
    DataType: ClassVar[EnumType]
    UNDEFINED: ClassVar[int]
    FLOAT: ClassVar[int]
    INT32: ClassVar[int]
    BYTE: ClassVar[int]
    STRING: ClassVar[int]
    BOOL: ClassVar[int]
    UINT8: ClassVar[int]
    INT8: ClassVar[int]
    UINT16: ClassVar[int]
    INT16: ClassVar[int]
    INT64: ClassVar[int]
    FLOAT16: ClassVar[int]
    DOUBLE: ClassVar[int]
    @property
    def dims(self) -> Repeated[int]: ...
    data_type: int
    @property
    def float_data(self) -> Repeated[float]: ...
    @property
    def int32_data(self) -> Repeated[int]: ...
    byte_data: bytes
    @property
    def string_data(self) -> Repeated[bytes]: ...
    @property
    def double_data(self) -> Repeated[float]: ...
    @property
    def int64_data(self) -> Repeated[int]: ...
    name: str
    def __init__(
        self,
        *,
        dims: Iterable[int] | None = ...,
        data_type: int | str | None = ...,
        float_data: Iterable[float] | None = ...,
        int32_data: Iterable[int] | None = ...,
        byte_data: bytes | None = ...,
        string_data: Iterable[bytes] | None = ...,
        double_data: Iterable[float] | None = ...,
        int64_data: Iterable[int] | None = ...,
        name: str | None = ...,
    ) -> None: ...

class C2TensorProtos(Message):
    @property
    def protos(self) -> RepeatedMessages[C2TensorProto]: ...
    def __init__(
        self,
        *,
        protos: Iterable[C2TensorProto | Mapping[str, Any]] | None = ...,
    ) -> None: ...

class PythonParameter(Message):
    module: str
    layer: str
    param_str: str
    share_in_parallel: bool
    def __init__(
        self,
        *,
        module: str | None = ...,
        layer: str | None = ...,
        param_str: str | None = ...,
        share_in_parallel: bool | None = ...,
    ) -> None: ...

class SolverParameter(Message):
    SnapshotFormat: ClassVar[EnumType]
    HDF5: ClassVar[int]
    BINARYPROTO: ClassVar[int]
    SAFETENSORS: ClassVar[int]
    SolverMode: ClassVar[EnumType]
    CPU: ClassVar[int]
    GPU: ClassVar[int]
    SolverType: ClassVar[EnumType]
    SGD: ClassVar[int]
    NESTEROV: ClassVar[int]
    ADAGRAD: ClassVar[int]
    RMSPROP: ClassVar[int]
    ADADELTA: ClassVar[int]
    ADAM: ClassVar[int]
    SAG: ClassVar[int]
    net: str
    @property
    def net_param(self) -> NetParameter: ...
    train_net: str
    @property
    def train_net_param(self) -> NetParameter: ...
    @property
    def test_net_param(self) -> RepeatedMessages[NetParameter]: ...
    @property
    def test_net(self) -> Repeated[str]: ...
    @property
    def test_iter(self) -> Repeated[int]: ...
    test_interval: int
    test_initialization: bool
    test_compute_loss: bool
    @property
    def train_state(self) -> NetState: ...
    @property
    def test_state(self) -> RepeatedMessages[NetState]: ...
    max_iter: int
    iter_size: int
    display: int
    average_loss: int
    debug_info: bool
    base_lr: float
    lr_policy: str
    gamma: float
    power: float
    stepsize: int
    @property
    def stepvalue(self) -> Repeated[int]: ...
    type: str
    momentum: float
    momentum2: float
    rms_decay: float
    delta: float
    weight_decay: float
    regularization_type: str
    clip_gradients: float
    snapshot: int
    snapshot_prefix: str
    snapshot_format: int
    snapshot_diff: bool
    snapshot_after_train: bool
    @property
    def weights(self) -> Repeated[str]: ...
    solver_mode: int
    device_id: int
    random_seed: int
    layer_wise_reduce: bool
    solver_type: int
    eval_type: str
    ap_version: str
    show_per_class_result: bool
    @property
    def plateau_winsize(self) -> Repeated[int]: ...
    rampup_interval: int
    rampup_lr: float
    min_lr: float
    momentum_policy: str
    max_momentum: float
    momentum_power: float
    larc: bool
    larc_policy: str
    larc_eta: float
    larc_turbo: bool
    weight_decay_policy: str
    weight_decay_power: float
    max_weight_decay: float
    solver_data_type: int
    store_blobs_in_old_format: bool
    test_and_snapshot_last_epochs: int
    def __init__(
        self,
        *,
        net: str | None = ...,
        net_param: NetParameter | Mapping[str, Any] | None = ...,
        train_net: str | None = ...,
        train_net_param: NetParameter | Mapping[str, Any] | None = ...,
        test_net_param: Iterable[NetParameter | Mapping[str, Any]] | None = ...,
        test_net: Iterable[str] | None = ...,
        test_iter: Iterable[int] | None = ...,
        test_interval: int | None = ...,
        test_initialization: bool | None = ...,
        test_compute_loss: bool | None = ...,
        train_state: NetState | Mapping[str, Any] | None = ...,
        test_state: Iterable[NetState | Mapping[str, Any]] | None = ...,
        max_iter: int | None = ...,
        iter_size: int | None = ...,
        display: int | None = ...,
        average_loss: int | None = ...,
        debug_info: bool | None = ...,
        base_lr: float | None = ...,
        lr_policy: str | None = ...,
        gamma: float | None = ...,
        power: float | None = ...,
        stepsize: int | None = ...,
        stepvalue: Iterable[int] | None = ...,
        type: str | None = ...,
        momentum: float | None = ...,
        momentum2: float | None = ...,
        rms_decay: float | None = ...,
        delta: float | None = ...,
        weight_decay: float | None = ...,
        regularization_type: str | None = ...,
        clip_gradients: float | None = ...,
        snapshot: int | None = ...,
        snapshot_prefix: str | None = ...,
        snapshot_format: int | str | None = ...,
        snapshot_diff: bool | None = ...,
        snapshot_after_train: bool | None = ...,
        weights: Iterable[str] | None = ...,
        solver_mode: int | str | None = ...,
        device_id: int | None = ...,
        random_seed: int | None = ...,
        layer_wise_reduce: bool | None = ...,
        solver_type: int | str | None = ...,
        eval_type: str | None = ...,
        ap_version: str | None = ...,
        show_per_class_result: bool | None = ...,
        plateau_winsize: Iterable[int] | None = ...,
        rampup_interval: int | None = ...,
        rampup_lr: float | None = ...,
        min_lr: float | None = ...,
        momentum_policy: str | None = ...,
        max_momentum: float | None = ...,
        momentum_power: float | None = ...,
        larc: bool | None = ...,
        larc_policy: str | None = ...,
        larc_eta: float | None = ...,
        larc_turbo: bool | None = ...,
        weight_decay_policy: str | None = ...,
        weight_decay_power: float | None = ...,
        max_weight_decay: float | None = ...,
        solver_data_type: int | str | None = ...,
        store_blobs_in_old_format: bool | None = ...,
        test_and_snapshot_last_epochs: int | None = ...,
    ) -> None: ...

class SolverState(Message):
    iter: int
    learned_net: str
    @property
    def history(self) -> RepeatedMessages[BlobProto]: ...
    current_step: int
    @property
    def trainer(self) -> TrainerState: ...
    minimum_loss: float
    iter_last_event: int
    def __init__(
        self,
        *,
        iter: int | None = ...,
        learned_net: str | None = ...,
        history: Iterable[BlobProto | Mapping[str, Any]] | None = ...,
        current_step: int | None = ...,
        trainer: TrainerState | Mapping[str, Any] | None = ...,
        minimum_loss: float | None = ...,
        iter_last_event: int | None = ...,
    ) -> None: ...

class TrainerState(Message):
    @property
    def smoothed_losses(self) -> Repeated[float]: ...
    random_seed: int
    torch_rng_state: bytes
    @property
    def data_position(self) -> RepeatedMessages[DataPosition]: ...
    type: str
    weights_digest: str
    history_digest: str
    loss_scale: float
    updates_at_scale: int
    def __init__(
        self,
        *,
        smoothed_losses: Iterable[float] | None = ...,
        random_seed: int | None = ...,
        torch_rng_state: bytes | None = ...,
        data_position: Iterable[DataPosition | Mapping[str, Any]] | None = ...,
        type: str | None = ...,
        weights_digest: str | None = ...,
        history_digest: str | None = ...,
        loss_scale: float | None = ...,
        updates_at_scale: int | None = ...,
    ) -> None: ...

class DataPosition(Message):
    layer: str
    net: str
    position: int
    digest: str
    def __init__(
        self,
        *,
        layer: str | None = ...,
        net: str | None = ...,
        position: int | None = ...,
        digest: str | None = ...,
    ) -> None: ...

class V1LayerParameter(Message):
    LayerType: ClassVar[EnumType]
    NONE: ClassVar[int]
    ABSVAL: ClassVar[int]
    ACCURACY: ClassVar[int]
    ARGMAX: ClassVar[int]
    BNLL: ClassVar[int]
    CONCAT: ClassVar[int]
    CONTRASTIVE_LOSS: ClassVar[int]
    CONVOLUTION: ClassVar[int]
    DATA: ClassVar[int]
    DECONVOLUTION: ClassVar[int]
    DROPOUT: ClassVar[int]
    DUMMY_DATA: ClassVar[int]
    EUCLIDEAN_LOSS: ClassVar[int]
    ELTWISE: ClassVar[int]
    EXP: ClassVar[int]
    FLATTEN: ClassVar[int]
    HDF5_DATA: ClassVar[int]
    HDF5_OUTPUT: ClassVar[int]
    HINGE_LOSS: ClassVar[int]
    IM2COL: ClassVar[int]
    IMAGE_DATA: ClassVar[int]
    INFOGAIN_LOSS: ClassVar[int]
    INNER_PRODUCT: ClassVar[int]
    LRN: ClassVar[int]
    MEMORY_DATA: ClassVar[int]
    MULTINOMIAL_LOGISTIC_LOSS: ClassVar[int]
    MVN: ClassVar[int]
    POOLING: ClassVar[int]
    POWER: ClassVar[int]
    RELU: ClassVar[int]
    SIGMOID: ClassVar[int]
    SIGMOID_CROSS_ENTROPY_LOSS: ClassVar[int]
    SILENCE: ClassVar[int]
    SOFTMAX: ClassVar[int]
    SOFTMAX_LOSS: ClassVar[int]
    SPLIT: ClassVar[int]
    SLICE: ClassVar[int]
    TANH: ClassVar[int]
    WINDOW_DATA: ClassVar[int]
    THRESHOLD: ClassVar[int]
    DimCheckMode: ClassVar[EnumType]
    STRICT: ClassVar[int]
    PERMISSIVE: ClassVar[int]
    name: str
    type: int
    @property
    def bottom(self) -> Repeated[str]: ...
    @property
    def top(self) -> Repeated[str]: ...
    @property
    def include(self) -> RepeatedMessages[NetStateRule]: ...
    @property
    def exclude(self) -> RepeatedMessages[NetStateRule]: ...
    @property
    def blobs(self) -> RepeatedMessages[BlobProto]: ...
    @property
    def loss_weight(self) -> Repeated[float]: ...
    @property
    def param(self) -> Repeated[str]: ...
    @property
    def blob_share_mode(self) -> Repeated[int]: ...
    @property
    def blobs_lr(self) -> Repeated[float]: ...
    @property
    def weight_decay(self) -> Repeated[float]: ...
    @property
    def transform_param(self) -> TransformationParameter: ...
    @property
    def loss_param(self) -> LossParameter: ...
    @property
    def accuracy_param(self) -> AccuracyParameter: ...
    @property
    def argmax_param(self) -> ArgMaxParameter: ...
    @property
    def concat_param(self) -> ConcatParameter: ...
    @property
    def contrastive_loss_param(self) -> ContrastiveLossParameter: ...
    @property
    def convolution_param(self) -> ConvolutionParameter: ...
    @property
    def data_param(self) -> DataParameter: ...
    @property
    def dropout_param(self) -> DropoutParameter: ...
    @property
    def dummy_data_param(self) -> DummyDataParameter: ...
    @property
    def eltwise_param(self) -> EltwiseParameter: ...
    @property
    def exp_param(self) -> ExpParameter: ...
    @property
    def hdf5_data_param(self) -> HDF5DataParameter: ...
    @property
    def hdf5_output_param(self) -> HDF5OutputParameter: ...
    @property
    def hinge_loss_param(self) -> HingeLossParameter: ...
    @property
    def image_data_param(self) -> ImageDataParameter: ...
    @property
    def infogain_loss_param(self) -> InfogainLossParameter: ...
    @property
    def inner_product_param(self) -> InnerProductParameter: ...
    @property
    def lrn_param(self) -> LRNParameter: ...
    @property
    def memory_data_param(self) -> MemoryDataParameter: ...
    @property
    def mvn_param(self) -> MVNParameter: ...
    @property
    def pooling_param(self) -> PoolingParameter: ...
    @property
    def power_param(self) -> PowerParameter: ...
    @property
    def relu_param(self) -> ReLUParameter: ...
    @property
    def sigmoid_param(self) -> SigmoidParameter: ...
    @property
    def slice_param(self) -> SliceParameter: ...
    @property
    def softmax_param(self) -> SoftmaxParameter: ...
    @property
    def tanh_param(self) -> TanHParameter: ...
    @property
    def threshold_param(self) -> ThresholdParameter: ...
    @property
    def window_data_param(self) -> WindowDataParameter: ...
    @property
    def layer(self) -> V0LayerParameter: ...
    def __init__(
        self,
        *,
        name: str | None = ...,
        type: int | str | None = ...,
        bottom: Iterable[str] | None = ...,
        top: Iterable[str] | None = ...,
        include: Iterable[NetStateRule | Mapping[str, Any]] | None = ...,
        exclude: Iterable[NetStateRule | Mapping[str, Any]] | None = ...,
        blobs: Iterable[BlobProto | Mapping[str, Any]] | None = ...,
        loss_weight: Iterable[float] | None = ...,
        param: Iterable[str] | None = ...,
        blob_share_mode: Iterable[int | str] | None = ...,
        blobs_lr: Iterable[float] | None = ...,
        weight_decay: Iterable[float] | None = ...,
        transform_param: TransformationParameter | Mapping[str, Any] | None = ...,
        loss_param: LossParameter | Mapping[str, Any] | None = ...,
        accuracy_param: AccuracyParameter | Mapping[str, Any] | None = ...,
        argmax_param: ArgMaxParameter | Mapping[str, Any] | None = ...,
        concat_param: ConcatParameter | Mapping[str, Any] | None = ...,
        contrastive_loss_param: ContrastiveLossParameter | Mapping[str, Any] | None = ...,
        convolution_param: ConvolutionParameter | Mapping[str, Any] | None = ...,
        data_param: DataParameter | Mapping[str, Any] | None = ...,
        dropout_param: DropoutParameter | Mapping[str, Any] | None = ...,
        dummy_data_param: DummyDataParameter | Mapping[str, Any] | None = ...,
        eltwise_param: EltwiseParameter | Mapping[str, Any] | None = ...,
        exp_param: ExpParameter | Mapping[str, Any] | None = ...,
        hdf5_data_param: HDF5DataParameter | Mapping[str, Any] | None = ...,
        hdf5_output_param: HDF5OutputParameter | Mapping[str, Any] | None = ...,
        hinge_loss_param: HingeLossParameter | Mapping[str, Any] | None = ...,
        image_data_param: ImageDataParameter | Mapping[str, Any] | None = ...,
        infogain_loss_param: InfogainLossParameter | Mapping[str, Any] | None = ...,
        inner_product_param: InnerProductParameter | Mapping[str, Any] | None = ...,
        lrn_param: LRNParameter | Mapping[str, Any] | None = ...,
        memory_data_param: MemoryDataParameter | Mapping[str, Any] | None = ...,
        mvn_param: MVNParameter | Mapping[str, Any] | None = ...,
        pooling_param: PoolingParameter | Mapping[str, Any] | None = ...,
        power_param: PowerParameter | Mapping[str, Any] | None = ...,
        relu_param: ReLUParameter | Mapping[str, Any] | None = ...,
        sigmoid_param: SigmoidParameter | Mapping[str, Any] | None = ...,
        slice_param: SliceParameter | Mapping[str, Any] | None = ...,
        softmax_param: SoftmaxParameter | Mapping[str, Any] | None = ...,
        tanh_param: TanHParameter | Mapping[str, Any] | None = ...,
        threshold_param: ThresholdParameter | Mapping[str, Any] | None = ...,
        window_data_param: WindowDataParameter | Mapping[str, Any] | None = ...,
        layer: V0LayerParameter | Mapping[str, Any] | None = ...,
    ) -> None: ...

class V0LayerParameter(Message):
    PoolMethod: ClassVar[EnumType]
    MAX: ClassVar[int]
    AVE: ClassVar[int]
    STOCHASTIC: ClassVar[int]
    name: str
    type: str
    num_output: int
    biasterm: bool
    @property
    def weight_filler(self) -> FillerParameter: ...
    @property
    def bias_filler(self) -> FillerParameter: ...
    pad: int
    kernelsize: int
    group: int
    stride: int
    pool: int
    dropout_ratio: float
    local_size: int
    alpha: float
    beta: float
    k: float
    concat_dim: int
    source: str
    scale: float
    meanfile: str
    batchsize: int
    cropsize: int
    mirror: bool
    rand_skip: int
    shuffle_images: bool
    new_height: int
    new_width: int
    det_fg_threshold: float
    det_bg_threshold: float
    det_fg_fraction: float
    det_context_pad: int
    det_crop_mode: str
    new_num: int
    new_channels: int
    @property
    def blobs(self) -> RepeatedMessages[BlobProto]: ...
    @property
    def blobs_lr(self) -> Repeated[float]: ...
    @property
    def weight_decay(self) -> Repeated[float]: ...
    @property
    def hdf5_output_param(self) -> HDF5OutputParameter: ...
    def __init__(
        self,
        *,
        name: str | None = ...,
        type: str | None = ...,
        num_output: int | None = ...,
        biasterm: bool | None = ...,
        weight_filler: FillerParameter | Mapping[str, Any] | None = ...,
        bias_filler: FillerParameter | Mapping[str, Any] | None = ...,
        pad: int | None = ...,
        kernelsize: int | None = ...,
        group: int | None = ...,
        stride: int | None = ...,
        pool: int | str | None = ...,
        dropout_ratio: float | None = ...,
        local_size: int | None = ...,
        alpha: float | None = ...,
        beta: float | None = ...,
        k: float | None = ...,
        concat_dim: int | None = ...,
        source: str | None = ...,
        scale: float | None = ...,
        meanfile: str | None = ...,
        batchsize: int | None = ...,
        cropsize: int | None = ...,
        mirror: bool | None = ...,
        rand_skip: int | None = ...,
        shuffle_images: bool | None = ...,
        new_height: int | None = ...,
        new_width: int | None = ...,
        det_fg_threshold: float | None = ...,
        det_bg_threshold: float | None = ...,
        det_fg_fraction: float | None = ...,
        det_context_pad: int | None = ...,
        det_crop_mode: str | None = ...,
        new_num: int | None = ...,
        new_channels: int | None = ...,
        blobs: Iterable[BlobProto | Mapping[str, Any]] | None = ...,
        blobs_lr: Iterable[float] | None = ...,
        weight_decay: Iterable[float] | None = ...,
        hdf5_output_param: HDF5OutputParameter | Mapping[str, Any] | None = ...,
    ) -> None: ...
