CREATE TABLE patients (
    patient_id BIGINT CHECK (patient_id BETWEEN 1 AND 999) PRIMARY KEY,
    born SMALLINT NOT NULL CHECK (born BETWEEN 1900 AND 2030),
    sex VARCHAR(1) CHECK (sex IN ('F', 'M', 'X')),
    name VARCHAR(8)
) OWNED BY registry ROWS 100;

CREATE TABLE visits (
    visit_id BIGINT CHECK (visit_id BETWEEN 1 AND 9999) PRIMARY KEY,
    patient_id BIGINT CHECK (patient_id BETWEEN 1 AND 999),
    admitted DATE NOT NULL CHECK (admitted BETWEEN DATE '2015-01-01' AND DATE '2030-12-31'),
    cost DECIMAL(9,2) CHECK (cost BETWEEN -10 AND 9999.99),
    ward VARCHAR CHECK (ward IN ('heart', 'skin', 'bones'))
) OWNED BY mercy, grace ROWS 120;

CREATE TABLE labs (
    lab_id INTEGER CHECK (lab_id BETWEEN 1 AND 999) PRIMARY KEY,
    patient_id BIGINT NOT NULL CHECK (patient_id BETWEEN 1 AND 999),
    value DOUBLE(3) CHECK (value BETWEEN -100 AND 100)
) OWNED BY mercy ROWS 60;

CREATE TABLE staff (
    staff_id INTEGER CHECK (staff_id BETWEEN 1 AND 99) PRIMARY KEY,
    ward VARCHAR CHECK (ward IN ('heart', 'skin', 'bones', 'cellar')),
    level TINYINT NOT NULL CHECK (level BETWEEN 1 AND 3)
) OWNED BY grace ROWS 20;

CREATE TABLE drugs (
    drug VARCHAR(30) PRIMARY KEY,
    maker VARCHAR(20),
    price SMALLINT NOT NULL CHECK (price BETWEEN 1 AND 500)
) OWNED BY registry ROWS 10;

CREATE TABLE orders (
    drug VARCHAR(30),
    amount SMALLINT NOT NULL CHECK (amount BETWEEN 1 AND 90)
) OWNED BY mercy, grace ROWS 40;

CREATE PUBLIC TABLE rooms (
    ward VARCHAR CHECK (ward IN ('heart', 'skin', 'bones')) PRIMARY KEY,
    floor INTEGER NOT NULL CHECK (floor BETWEEN 0 AND 9)
) FROM 'rooms.csv' ROWS 3;
