-- sartor: up
create table customers (id bigint generated always as identity primary key, name text not null);
-- sartor: down
drop table customers;
