-- Two people, one number each. What is public is that both are between 0 and a hundred billion.
CREATE TABLE ann_fortune (
    wealth BIGINT CHECK (wealth BETWEEN 0 AND 100000000000) NOT NULL
) OWNED BY ann ROWS 1;

CREATE TABLE bea_fortune (
    wealth BIGINT CHECK (wealth BETWEEN 0 AND 100000000000) NOT NULL
) OWNED BY bea ROWS 1;
