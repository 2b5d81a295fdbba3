"""Pages that explain: what a cell computes, as equations and as a drawing made from them."""
