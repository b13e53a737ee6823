CREATE TABLE `deployments` (
	`seq` integer PRIMARY KEY AUTOINCREMENT NOT NULL,
	`id` text NOT NULL,
	`function_name` text NOT NULL,
	`digest` text NOT NULL,
	`state` text NOT NULL,
	`created_at_ms` integer NOT NULL,
	`spec` text NOT NULL,
	`artifact` text,
	`assets` text,
	`failure_code` text,
	`failure_message` text,
	FOREIGN KEY (`function_name`) REFERENCES `functions`(`name`) ON UPDATE no action ON DELETE cascade
);
--> statement-breakpoint
CREATE UNIQUE INDEX `deployments_id_unique` ON `deployments` (`id`);--> statement-breakpoint
CREATE UNIQUE INDEX `deployments_one_active` ON `deployments` (`function_name`) WHERE "deployments"."state" = 'active';--> statement-breakpoint
CREATE INDEX `deployments_by_function` ON `deployments` (`function_name`,`seq`);--> statement-breakpoint
CREATE TABLE `functions` (
	`name` text PRIMARY KEY NOT NULL,
	`created_at_ms` integer NOT NULL
);
