import torch

from edmlive.training.augment import LEVEL_DB, MASKED_BANDS, MASKED_COLUMNS, augment_mel


def test_level_varies_by_chunk_and_means_the_same_on_both_scales() -> None:
    power = torch.rand(6, 1, 128, 200) + 0.1
    torch.manual_seed(1)
    louder = augment_mel(power, "power", torch.full((128, 1), torch.nan))
    torch.manual_seed(1)
    louder_db = augment_mel(10 * power.log10(), "db", torch.full((128, 1), torch.nan))
    torch.testing.assert_close(10 * louder.log10(), louder_db, equal_nan=True, rtol=1e-4, atol=1e-4)
    gains = [(x - 10 * y.log10())[~x.isnan()] for x, y in zip(louder_db, power, strict=True)]
    for gain in gains:
        torch.testing.assert_close(gain, gain[:1].expand_as(gain), rtol=0, atol=1e-4)
        assert gain[0].abs() <= LEVEL_DB
    assert len({round(gain[0].item(), 3) for gain in gains}) == 6


def test_masks_are_one_stretch_of_bands_and_one_of_columns_filled_with_the_mean() -> None:
    torch.manual_seed(0)
    blank = torch.arange(1000, 1128).float()[:, None]
    masked = augment_mel(torch.zeros(64, 1, 128, 200), "db", blank)[:, 0] >= 1000
    bands, columns = masked.all(dim=2).sum(dim=1), masked.all(dim=1).sum(dim=1)
    assert bands.max() <= MASKED_BANDS + 1 and columns.max() <= MASKED_COLUMNS + 1
    assert bands.float().mean() > 4 and columns.float().mean() > 6
    rectangle = masked.all(dim=2)[:, :, None] | masked.all(dim=1)[:, None, :]
    assert torch.equal(masked, rectangle)
