CREATE TABLE `secrets` (
	`function_name` text NOT NULL,
	`name` text NOT NULL,
	`key_id` text NOT NULL,
	`sealed` blob NOT NULL,
	`changed_at_ms` integer NOT NULL,
	PRIMARY KEY(`function_name`, `name`)
);
