-- The memes, their tags, their votes, and who may write how often. routes/db/schema.ts says the same in TypeScript.
CREATE TABLE `memes` (
	`number` integer PRIMARY KEY AUTOINCREMENT NOT NULL,
	`id` text NOT NULL,
	`title` text NOT NULL,
	`template` text NOT NULL,
	`captions` text NOT NULL CHECK (json_type(`captions`) = 'array'),
	`tags` text NOT NULL CHECK (json_type(`tags`) = 'array'),
	`published` text NOT NULL,
	`credit` text NOT NULL,
	`votes` integer DEFAULT 0 NOT NULL
);
--> statement-breakpoint
CREATE UNIQUE INDEX `memes_id_unique` ON `memes` (`id`);
--> statement-breakpoint
CREATE INDEX `memes_by_votes` ON `memes` (`votes`,`number`);
--> statement-breakpoint
CREATE TABLE `meme_tags` (
	`tag` text NOT NULL,
	`meme` integer NOT NULL,
	PRIMARY KEY(`tag`, `meme`),
	FOREIGN KEY (`meme`) REFERENCES `memes`(`number`) ON UPDATE no action ON DELETE cascade
) WITHOUT ROWID;
--> statement-breakpoint
CREATE INDEX `meme_tags_by_meme` ON `meme_tags` (`meme`);
--> statement-breakpoint
CREATE TABLE `tags` (
	`tag` text PRIMARY KEY NOT NULL,
	`memes` integer NOT NULL
) WITHOUT ROWID;
--> statement-breakpoint
CREATE INDEX `tags_by_memes` ON `tags` (`memes` DESC,`tag`);
--> statement-breakpoint
CREATE TABLE `votes` (
	`meme` integer NOT NULL,
	`visitor` text NOT NULL,
	PRIMARY KEY(`meme`, `visitor`),
	FOREIGN KEY (`meme`) REFERENCES `memes`(`number`) ON UPDATE no action ON DELETE cascade
) WITHOUT ROWID;
--> statement-breakpoint
CREATE TABLE `collection` (
	`only` integer PRIMARY KEY NOT NULL CHECK (`only` = 1),
	`version` integer NOT NULL,
	`memes` integer NOT NULL
);
--> statement-breakpoint
INSERT INTO `collection` (`only`, `version`, `memes`) VALUES (1, 0, 0);
--> statement-breakpoint
CREATE TABLE `takings` (
	`client` text NOT NULL,
	`action` text NOT NULL,
	`window` integer NOT NULL,
	`count` integer NOT NULL,
	PRIMARY KEY(`client`, `action`)
) WITHOUT ROWID;
--> statement-breakpoint
CREATE INDEX `takings_by_window` ON `takings` (`window`);
--> statement-breakpoint
CREATE TABLE `salts` (
	`day` integer PRIMARY KEY NOT NULL,
	`salt` text NOT NULL
);
