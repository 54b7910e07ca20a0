"""The table: what a command line does with plain LightningCLI, litmore does too.

`Row.shows` names what a flag is for, an attribute of `seen.Seen`: there it must make a difference
to the run without it, and the same one on both sides.
"""

from dataclasses import dataclass
from importlib.util import find_spec

import pytest

ONCE = ("windows",)
"""Where the view can make no difference."""


@dataclass(frozen=True)
class Row:
    """A command line.

    Attributes:
        args: what is added to a short run of the MLP.
        shows: what they change; None: nothing that is looked at.
        refused: both refuse it; the line that litmore says.
        plain_fails: why LightningCLI cannot, though it should.
        says: what litmore says on its way, part of a line.
        differs: what differs on purpose, and why.
        but: what is not compared there.
        name: of the command.
        is_one_of_many: whether others stand for it in the quick tests.

    """

    args: str
    shows: str | None = None
    refused: str | None = None
    plain_fails: str | None = None
    says: str | None = None
    differs: str | None = None
    but: tuple[str, ...] = ()
    name: str = "fit"
    views: tuple[str, ...] = ("windows", "counts")
    is_one_of_many: bool = False

    def __post_init__(self) -> None:
        if self.refused is not None:
            object.__setattr__(self, "views", ONCE)


def in_turn(row: Row, number: int, view: str) -> list[pytest.MarkDecorator]:
    """The quick tests take what is refused, and of the two views one every other row, by turns.

    `make torture` takes the rest: the other view, the other rows, and what is only to be taken.
    """
    says_much = row.shows or row.says or row.differs or row.name != "fit"
    is_in_turn = number % 2 == 0 and row.views[number // 2 % len(row.views)] == view
    is_quick = row.refused or (says_much and not row.is_one_of_many and is_in_turn)
    return [] if is_quick else [pytest.mark.torture]


def callback(name: str, **settings: object) -> str:
    flags = [f"--trainer.callbacks.{key}={value}" for key, value in settings.items()]
    return " ".join([f"--trainer.callbacks+={name}", *flags])


def schedule(name: str, **settings: object) -> str:
    flags = [f"--lr_scheduler.{key}={value}" for key, value in settings.items()]
    return " ".join([f"--lr_scheduler={name}", *flags])


def logger(name: str, **settings: object) -> str:
    flags = [f"--trainer.logger.{key}={value}" for key, value in settings.items()]
    return " ".join([f"--trainer.logger={name}", *flags])


EPOCHS = " --trainer.max_epochs "
STEPS = " --trainer.max_steps "
KEPT = {"dirpath": "kept"}
VAL, TRAIN = {"monitor": "val/loss"}, {"monitor": "train/loss"}
TIMER = "its parser cannot write the callback's own default down"
CSV = " " + logger("CSVLogger", save_dir="logged")
PLATEAU = "lightning.pytorch.cli.ReduceLROnPlateau"
TRAINER = [
    Row(""),
    # Where it runs
    Row("--trainer.accelerator auto"),
    Row("--trainer.accelerator gpu", refused="--trainer: No supported gpu backend"),
    Row("--trainer.accelerator toaster", refused="--trainer: .*toaster"),
    Row("--trainer.strategy auto"),
    Row("--trainer.strategy ddp --trainer.devices 1", "parts", views=ONCE),
    Row("--trainer.strategy single_device"),
    Row("--trainer.strategy fsdp", refused="--trainer: .*fsdp"),
    Row("--trainer.strategy nonsense", refused="--trainer: .*nonsense"),
    Row("--trainer.strategy deepspeed", refused="--trainer: .*[Dd]eep[Ss]peed"),
    Row("--trainer.devices 1"),
    Row("--trainer.devices auto"),
    Row("--trainer.devices 0", refused="--trainer"),
    Row("--trainer.num_nodes 1"),
    Row("--trainer.sync_batchnorm true"),
    Row("--trainer.use_distributed_sampler false"),
    # In which numbers
    Row("--trainer.precision 32-true"),
    Row("--trainer.precision 32"),
    Row("--trainer.precision 64-true", "dtypes"),
    Row("--trainer.precision bf16-mixed", "dtypes"),
    Row("--trainer.precision bf16", "dtypes", is_one_of_many=True),
    Row("--trainer.precision bf16-true", "dtypes"),
    Row("--trainer.precision 16-mixed", "dtypes"),
    Row("--trainer.precision 16-true --optimizer SGD --optimizer.lr 0.1", "dtypes"),
    Row(
        "--trainer.precision 16-true",
        refused="the loss is not finite but nan",
        differs="AdamW's epsilon is 0 in half precision; Lightning trains on with NaN",
    ),
    Row("--trainer.precision 7-true", refused="--trainer.precision 7-true"),
    Row("--trainer.precision transformer-engine", refused="--trainer: .*transformer_engine"),
    Row("--trainer.deterministic true", "parts"),
    Row("--trainer.deterministic warn", "parts"),
    Row("--trainer.benchmark true", "parts"),
    Row("--trainer.detect_anomaly true", "parts"),
    Row("--trainer.inference_mode false"),
    # How far
    Row("--trainer.max_epochs 2", "steps"),
    Row("--trainer.max_epochs 3", "steps", is_one_of_many=True),
    Row("--trainer.max_epochs 2 --trainer.max_steps -1", "steps"),
    Row("--trainer.max_epochs 2 --trainer.max_steps 3", "steps"),
    Row("--trainer.max_epochs 1 --trainer.max_steps 300", "steps"),
    Row("--trainer.max_epochs -1 --trainer.max_steps 5", "steps"),
    Row("--trainer.max_epochs 0", "steps"),
    Row("--trainer.max_steps 5", "steps"),
    Row("--trainer.max_steps 0", "steps"),
    Row("--trainer.max_steps -2", refused="--trainer: .*max_steps"),
    Row("--trainer.max_epochs -2", refused="--trainer: .*max_epochs"),
    Row("--trainer.min_epochs 1"),
    Row("--trainer.min_steps 10"),
    Row("--trainer.max_time 00:01:00:00"),
    Row("--trainer.max_time 00:00:00:00", "steps", says="stopped at step 0 by Timer: "),
    Row("--trainer.max_time never", refused="--trainer"),
    Row("--trainer.fast_dev_run true", "steps"),
    Row("--trainer.fast_dev_run 3", "steps"),
    Row("--trainer.barebones true", "metrics", views=ONCE),
    # On how much
    Row("--trainer.limit_train_batches 3", "validated"),
    Row("--trainer.limit_train_batches 0.5", "validated"),
    Row(
        "--trainer.limit_train_batches 1",
        "validated",
        differs="1 is one batch and 1.0 all; LightningCLI's parser takes 1 for 1.0",
        but=("validated", "weights", "lrs", "steps", "metrics"),
    ),
    Row("--trainer.limit_val_batches 2 --data.eval_batch_size 8", "validated"),
    Row("--trainer.limit_val_batches 0.5 --data.eval_batch_size 4", "validated"),
    Row("--trainer.limit_val_batches 0", "validated"),
    Row("--trainer.limit_val_batches 1.0"),
    Row("--trainer.limit_train_batches 1.5", refused="--trainer: .*limit_train_batches"),
    Row("--trainer.limit_train_batches -1", refused="--trainer: .*limit_train_batches"),
    *(
        Row(
            f"--trainer.overfit_batches {batches}",
            "weights",
            differs="the same examples at every step, and no validation; one line says so",
            says="the same batches at every step, no validation",
            but=("validated", "metrics", "weights", "inference"),
        )
        for batches in ("1", "0.5")
    ),
    Row("--trainer.accumulate_grad_batches 2", "steps"),
    Row("--trainer.accumulate_grad_batches 3 --trainer.max_epochs 2", "steps"),
    Row("--trainer.accumulate_grad_batches 0", refused="--trainer.accumulate_grad_batches 0"),
    Row("--trainer.reload_dataloaders_every_n_epochs 1"),
    # When it validates
    Row("--trainer.val_check_interval 3", "validated"),
    Row("--trainer.val_check_interval 0.5", "validated"),
    Row("--trainer.val_check_interval 5 --trainer.check_val_every_n_epoch null", "validated"),
    Row("--trainer.val_check_interval 50", refused="--trainer: .*val_check_interval"),
    Row("--trainer.val_check_interval 00:00:00:00", "validated"),
    Row("--trainer.val_check_interval 00:01:00:00", "validated"),
    Row("--trainer.check_val_every_n_epoch 2 --trainer.max_steps 20", "validated"),
    Row("--trainer.check_val_every_n_epoch 2 --trainer.max_epochs 3", "validated"),
    Row("--trainer.check_val_every_n_epoch 0", refused="--trainer.check_val_every_n_epoch 0"),
    Row("--trainer.num_sanity_val_steps 2"),
    Row("--trainer.num_sanity_val_steps -1"),
    # What is done with gradients
    Row("--trainer.gradient_clip_val 0.01", "weights"),
    Row("--trainer.gradient_clip_val 0.01 --trainer.gradient_clip_algorithm value", "weights"),
    Row(
        "--trainer.gradient_clip_val 0.01 --trainer.gradient_clip_algorithm x", refused="--trainer"
    ),
    # What is seen and kept
    Row("--trainer.log_every_n_steps 5" + CSV, "logged"),
    Row("--trainer.log_every_n_steps 0" + CSV),
    Row("--trainer.enable_checkpointing false"),
    Row("--trainer.enable_checkpointing true"),
    Row("--trainer.enable_progress_bar true"),
    Row("--trainer.enable_model_summary true"),
    Row("--trainer.enable_autolog_hparams false"),
    Row("--trainer.default_root_dir elsewhere"),
    Row("--trainer.profiler simple", "parts", says="FIT Profiler Report"),
    Row("--trainer.profiler advanced", "parts", says="FIT Profiler Report", is_one_of_many=True),
    Row("--trainer.profiler pytorch", "parts", says="FIT Profiler Report"),
    Row("--trainer.profiler xla", refused="--trainer"),
    Row("--trainer.profiler nonsense", refused="--trainer: .*profiler"),
    Row(
        "--trainer.profiler lightning.pytorch.profilers.SimpleProfiler",
        "parts",
        is_one_of_many=True,
    ),
    Row(
        "--trainer.profiler lightning.pytorch.profilers.AdvancedProfiler",
        "parts",
        is_one_of_many=True,
    ),
    Row(
        "--trainer.profiler lightning.pytorch.profilers.PyTorchProfiler",
        "parts",
        is_one_of_many=True,
    ),
    Row("--trainer.profiler lightning.pytorch.profilers.PassThroughProfiler"),
    Row("--trainer.plugins lightning.pytorch.plugins.io.TorchCheckpointIO"),
    Row("--trainer.plugins lightning.pytorch.plugins.precision.DoublePrecision", "dtypes"),
    Row("--trainer.model_registry null"),
    Row("--trainer.nonsense 3", refused="--trainer.nonsense: no such setting"),
]

CALLBACKS = [
    Row(callback("EarlyStopping", **VAL)),
    Row(
        callback("EarlyStopping", **VAL, min_delta=1, patience=1) + STEPS + "40",
        "steps",
        says="stopped at step .* by EarlyStopping: .*val/loss",
    ),
    Row(
        callback("EarlyStopping", **TRAIN, min_delta=1, patience=1) + STEPS + "40",
        "steps",
        says="stopped at step .* by EarlyStopping: .*train/loss",
    ),
    Row(callback("EarlyStopping", **VAL, verbose="true"), says="Metric val/loss improved"),
    Row(callback("EarlyStopping", monitor="val/los"), refused="val/los, .*val/loss meant"),
    Row(callback("EarlyStopping", monitor="val/los", strict="false")),
    Row(
        callback("EarlyStopping", **VAL, stopping_threshold=2.7) + STEPS + "40",
        "steps",
    ),
    Row(callback("EarlyStopping", **VAL, mode="sideways"), refused="sideways"),
    Row(callback("ModelCheckpoint", **KEPT), "kept"),
    Row(callback("ModelCheckpoint", **KEPT, **VAL, save_top_k=2) + STEPS + "40", "kept"),
    Row(callback("ModelCheckpoint", **KEPT, save_last="true", every_n_train_steps=5), "kept"),
    Row(callback("ModelCheckpoint", **KEPT, every_n_epochs=1, save_top_k=-1), "kept"),
    Row(
        callback("ModelCheckpoint", **KEPT, filename="{step}-{val/loss:.1f}", **VAL) + EPOCHS + "2",
        "kept",
    ),
    Row(callback("ModelCheckpoint", **KEPT, **TRAIN), "kept"),
    Row(
        callback("ModelCheckpoint", **KEPT, **VAL, verbose="true") + EPOCHS + "2",
        "kept",
        says="Epoch 0, global step",
    ),
    Row(callback("ModelCheckpoint", **KEPT, save_weights_only="true"), "kept"),
    Row(callback("ModelCheckpoint", **KEPT) + " --trainer.fast_dev_run true", "steps"),
    Row(callback("ModelCheckpoint", **KEPT, monitor="nothing"), refused="monitors nothing"),
    Row(callback("OnExceptionCheckpoint", dirpath="kept")),
    Row(
        callback("StochasticWeightAveraging", swa_lrs=0.01, swa_epoch_start=1) + EPOCHS + "3",
        "weights",
    ),
    Row(
        callback("StochasticWeightAveraging", swa_lrs=0.01, swa_epoch_start=0.5, annealing_epochs=1)
        + EPOCHS
        + "4",
        "weights",
    ),
    Row(callback("WeightAveraging"), "weights"),
    Row(callback("EMAWeightAveraging", decay=0.5), "weights"),
    Row(callback("EMAWeightAveraging", decay=0.5, update_every_n_steps=2), "weights"),
    Row(
        callback("GradientAccumulationScheduler", scheduling='{"0":2,"1":4}') + EPOCHS + "2",
        "steps",
    ),
    Row(callback("LearningRateMonitor") + CSV),
    Row(
        callback("LearningRateMonitor", logging_interval="step")
        + " "
        + logger("CSVLogger", save_dir="logged")
    ),
    Row(callback("LearningRateMonitor"), refused="LearningRateMonitor"),
    Row(
        callback("DeviceStatsMonitor") + CSV,
        refused=None if find_spec("psutil") else "DeviceStatsMonitor: .*psutil",
    ),
    Row(
        callback("ThroughputMonitor", batch_size_fn="beside.size_of")
        + " "
        + logger("CSVLogger", save_dir="logged")
    ),
    Row(callback("SpikeDetection")),
    Row(
        callback("ModelPruning", pruning_fn="l1_unstructured", amount=0.3) + EPOCHS + "1",
        "weights",
    ),
    Row(callback("BatchSizeFinder", max_trials=2, steps_per_trial=1), "weights"),
    Row(
        callback("LearningRateFinder", num_training_steps=20), refused="litmore.callbacks.LRFinder"
    ),
    Row(
        callback("BackboneFinetuning"), refused="--trainer.callbacks BackboneFinetuning: .*backbone"
    ),
    Row(callback("BaseFinetuning"), refused="--trainer.callbacks BaseFinetuning: "),
    Row(callback("BasePredictionWriter")),
    Row(callback("LambdaCallback")),
    Row(callback("ModelSummary", max_depth=2), says="Trainable params"),
    Row(callback("RichModelSummary"), refused="rich"),
    Row(callback("RichProgressBar"), refused="rich"),
    Row(callback("TQDMProgressBar", refresh_rate=5) + " --trainer.enable_progress_bar true"),
    Row(callback("ProgressBar") + " --trainer.enable_progress_bar true"),
    Row(callback("Timer", duration="00:01:00:00"), plain_fails=TIMER),
    Row(
        callback("Timer", duration="00:00:00:00"),
        "steps",
        says="stopped at step 0 by Timer: ",
        plain_fails=TIMER,
    ),
    Row(callback("Callback")),
    Row(callback("Checkpoint")),
    Row("--trainer.callbacks=LambdaCallback"),
    Row(callback("NoSuchCallback"), refused="NoSuchCallback: no class of that name"),
]

CYCLE = {"max_lr": 0.1, "total_steps": 13}
SCHEDULES = [
    Row(schedule("ConstantLR", factor=0.5, total_iters=4), "lrs"),
    Row(schedule("LinearLR", start_factor=0.1, total_iters=8), "lrs"),
    Row(schedule("ExponentialLR", gamma=0.9), "lrs"),
    Row(schedule("StepLR", step_size=3), "lrs"),
    Row(schedule("MultiStepLR", milestones="[3,6]"), "lrs"),
    Row(schedule("PolynomialLR", total_iters=12, power=2), "lrs"),
    Row(schedule("CosineAnnealingLR", T_max=12), "lrs"),
    Row(schedule("CosineAnnealingWarmRestarts", T_0=4), "lrs"),
    Row(schedule("CyclicLR", base_lr=0.001, max_lr=0.1, step_size_up=4), "lrs"),
    Row(
        schedule("CyclicLR", base_lr=0.001, max_lr=0.1) + " --optimizer SGD --optimizer.lr 0.1",
        "lrs",
    ),
    Row(schedule("OneCycleLR", **CYCLE), "lrs"),
    Row(schedule("OneCycleLR", **CYCLE, pct_start=0.0, anneal_strategy="linear"), "lrs"),
    Row(schedule("OneCycleLR", **CYCLE) + EPOCHS + "1", "lrs"),
    Row(schedule("OneCycleLR", max_lr=0.1, epochs=2, steps_per_epoch=7), "lrs"),
    Row(
        schedule("OneCycleLR", max_lr=0.1, total_steps=5),
        refused="--lr_scheduler.total_steps 5: the schedule must last for all steps; there are 13",
    ),
    Row(schedule("LambdaLR", lr_lambda="beside.halved"), "lrs"),
    Row(schedule("MultiplicativeLR", lr_lambda="beside.halved_once"), "lrs"),
    Row(schedule("torch.optim.swa_utils.SWALR", swa_lr=0.01), "lrs"),
    Row(
        schedule(
            "lightning.pytorch.cli.ReduceLROnPlateau", monitor="val/loss", threshold=9, patience=0
        )
        + STEPS
        + "24",
        "lrs",
    ),
    Row(
        schedule(
            "lightning.pytorch.cli.ReduceLROnPlateau", monitor="train/loss", threshold=9, patience=0
        )
        + STEPS
        + "24",
        "lrs",
    ),
    Row(
        schedule(PLATEAU, monitor="val/los"),
        refused="val/los, .*val/loss meant",
    ),
    Row(schedule("SequentialLR"), refused="--lr_scheduler SequentialLR: .*configure_optimizers"),
    Row(
        schedule("ChainedScheduler"),
        refused="--lr_scheduler ChainedScheduler: .*configure_optimizers",
    ),
    Row(schedule("NoSuchLR"), refused="NoSuchLR: no class of that name"),
    Row(schedule("StepLR"), refused="--lr_scheduler.step_size"),
]

OPTIMIZERS = [
    Row("--optimizer.lr 0.1", "lrs"),
    Row("--optimizer SGD --optimizer.lr 0.1", "weights"),
    Row(
        "--optimizer SGD --optimizer.lr 0.1 --optimizer.momentum 0.9 --optimizer.nesterov true",
        "weights",
    ),
    *(
        Row(f"--optimizer {name} --optimizer.lr 0.01", "weights", is_one_of_many=True)
        for name in (
            "Adam",
            "ASGD",
            "Adadelta",
            "Adafactor",
            "Adagrad",
            "Adamax",
            "NAdam",
            "RAdam",
            "RMSprop",
            "Rprop",
            "LBFGS",
        )
    ),
    Row(
        "--optimizer torch.optim.Muon --optimizer.lr 0.01",
        refused="--optimizer, --lr_scheduler: .*2D",
    ),
    Row("--optimizer SparseAdam --optimizer.lr 0.01", refused="--optimizer SparseAdam: "),
    Row("--optimizer.lr -1", refused="--optimizer.lr -1"),
    Row("--optimizer NoSuchOptimizer", refused="NoSuchOptimizer: no class of that name"),
]

LOGGERS = [
    Row("--trainer.logger false"),
    Row("--trainer.logger true", "parts"),
    Row(logger("TensorBoardLogger", save_dir="logged"), "parts"),
    Row(logger("CSVLogger", save_dir="logged"), "logged"),
    Row(
        "--trainer.logger+=CSVLogger --trainer.logger.save_dir=logged"
        " --trainer.logger+=TensorBoardLogger --trainer.logger.save_dir=logged",
        "parts",
    ),
    Row(logger("WandbLogger"), refused="--trainer.logger WandbLogger: .*wandb"),
    Row(logger("MLFlowLogger"), refused="mlflow"),
    Row(logger("CometLogger"), refused="comet"),
    Row(logger("LitLogger"), refused="LitLogger"),
    Row(logger("NoSuchLogger"), refused="NoSuchLogger"),
]

SMALL = "--data.eval_batch_size 4"
JUDGING = [
    Row("", name="validate"),
    Row("", name="test"),
    Row("--data.predict_path {words}", name="predict", but=("metrics",)),
    Row(f"--trainer.limit_val_batches 2 {SMALL}", "judged", name="validate"),
    Row(f"--trainer.limit_test_batches 0.5 {SMALL}", "judged", name="test"),
    Row(f"--trainer.limit_test_batches 2 {SMALL}", "judged", name="test"),
    Row("--data.predict_path {words} --trainer.limit_predict_batches 2", "judged", name="predict"),
    Row("--trainer.inference_mode false", "inference", name="validate"),
    Row("--trainer.inference_mode false", "inference", name="test"),
    Row("--trainer.precision 64-true", "dtypes", name="test"),
    Row("--trainer.precision bf16-true", "dtypes", name="validate"),
    Row("--trainer.fast_dev_run true", name="test"),
    Row(callback("ModelCheckpoint", **KEPT), name="test"),
    Row(callback("EarlyStopping", **VAL), name="validate"),
    Row(callback("TQDMProgressBar") + " --trainer.enable_progress_bar true", name="test"),
    Row("--trainer.barebones true", name="test", views=ONCE),
    Row("--trainer.profiler simple", "parts", name="test", says="TEST Profiler Report"),
    Row(logger("CSVLogger", save_dir="logged"), "parts", name="test"),
    Row("--trainer.nonsense 3", refused="--trainer.nonsense: no such setting", name="test"),
    Row("--optimizer SGD --optimizer.lr 3", name="test"),
]

TABLE = TRAINER + CALLBACKS + SCHEDULES + OPTIMIZERS + LOGGERS + JUDGING
