"""What a detector learns from its teacher's scores, for all cells of a batch: logits and score [B,cells,classes]."""
import torch
import torch.nn.functional as F

SURE = .3       # from here on a teacher's box is worth learning


def named(logits, score):
    """Cross-entropy, most where the two differ most: nearly all cells are empty, and easily so."""
    weight = (score - logits.sigmoid()).detach().abs() ** 1.5 + .002 + .3 * score * (score > SURE)
    return (F.binary_cross_entropy_with_logits(logits, score, reduction='none') * weight).sum() / (score.sum() + 10)


def boxed(numbers, wanted, score):
    """Smooth L1 on raw numbers [B,cells,n], where the teacher is sure that there is something."""
    most = score.amax(2)
    sure = most * (most > SURE)
    return (F.smooth_l1_loss(numbers, wanted, reduction='none', beta=.2).sum(2) * sure).sum() / (sure.sum() + 1)


def shown(logits, score, groups):
    """What a verdict asks of a picture: the highest cell of each group of classes, against the teacher's highest."""
    highest = lambda cells: torch.stack([cells[..., ids].flatten(1).amax(1) for ids in groups], 1)
    return F.binary_cross_entropy_with_logits(highest(logits), highest(score), reduction='none').sum(1).mean()


def told(**parts):
    """The figures to print."""
    return {name: round(value.item(), 3) for name, value in parts.items()}
