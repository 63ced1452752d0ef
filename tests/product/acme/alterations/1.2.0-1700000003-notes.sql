-- sartor: up
alter table orders add column notes text;
-- sartor: down
alter table orders drop column notes;
