-- Both learn whether Ann is richer, and nothing else of each other's number.
SELECT a.wealth > b.wealth AS ann_is_richer
FROM ann_fortune a, bea_fortune b
REVEAL TO ALL;
