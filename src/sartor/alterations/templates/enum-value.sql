-- One more label, at the end. Use it in a later alteration: a transaction can't use a label that it adds.

-- sartor: up
alter type {enum} add value {label};

-- sartor: irreversible a label of an enum can't be dropped
