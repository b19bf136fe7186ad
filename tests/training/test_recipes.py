import torch

from edmlive.training.recipes import (
    EQUALISER_BANDS,
    EQUALISER_DB,
    LEVEL_DB,
    MASKED_BANDS,
    MASKED_COLUMNS,
    PAPER,
    RECIPES,
    augment_mel,
)


def test_each_chunk_gets_a_level_and_a_balance_of_its_own_the_same_for_all_its_columns() -> None:
    torch.manual_seed(1)
    mel = 20 * torch.randn(500, 1, 128, 50)
    changed = augment_mel(mel, torch.full((128, 1), torch.nan))
    gain = (changed - mel).nanmedian(dim=3).values[:, 0]
    expected = torch.where(changed.isnan(), torch.nan, mel + gain[:, None, :, None])
    torch.testing.assert_close(changed, expected, equal_nan=True, rtol=0, atol=1e-4)
    known = gain[~gain.isnan().any(dim=1)]
    assert len(known) > 5  # bands that are masked show no gain
    level, balance = known.mean(dim=1), known - known.mean(dim=1, keepdim=True)
    assert known.abs().max() <= LEVEL_DB + EQUALISER_DB
    assert level.std() > 3 and balance.std() > 2

    bend = balance.diff(dim=1).diff(dim=1).abs() > 1e-3
    assert bend.sum(dim=1).max() <= 2 * (EQUALISER_BANDS - 2)  # lines from band to band


def test_masks_are_one_range_of_bands_and_one_of_columns_filled_with_the_mean() -> None:
    torch.manual_seed(0)
    blank = torch.arange(1000, 1128).float()[:, None]
    masked = augment_mel(torch.zeros(64, 1, 128, 200), blank)[:, 0] >= 1000
    bands, columns = masked.all(dim=2).sum(dim=1), masked.all(dim=1).sum(dim=1)
    assert bands.max() <= MASKED_BANDS + 1 and columns.max() <= MASKED_COLUMNS + 1
    assert bands.float().mean() > 4 and columns.float().mean() > 6
    rectangle = masked.all(dim=2)[:, :, None] | masked.all(dim=1)[:, None, :]
    assert torch.equal(masked, rectangle)


def test_recipes_are_the_papers_and_ours() -> None:
    assert set(RECIPES) == {"paper", "modern"}
    assert (PAPER.learning_rate, PAPER.batch, PAPER.epochs, PAPER.weight_decay) == (0.005, 256, 200, 0)
    assert not (PAPER.augment or PAPER.cycle or PAPER.label_smoothing or PAPER.patience)
