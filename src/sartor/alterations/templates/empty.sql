-- sartor: up
{statement};

-- sartor: down
{undo};
